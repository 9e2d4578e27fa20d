import type { Topic } from './kit/stream.ts'

/** A topic together with a description of its key. */
interface KeyedTopic extends Topic {
  /** What the events' key is, in words. */
  key: string
}

/** Twelve partitions, for ever: adding some would move the keys of running streams to other partitions. */
const topic = (name: string, key: string): KeyedTopic => ({ name: `vidwiz.${name}`, partitions: 12, key })

export const users = topic('users', 'user id')
export const videos = topic('videos', 'video id')
export const notes = topic('notes', 'video id')
export const tasks = topic('tasks', 'video id')
export const conversations = topic('conversations', 'conversation id')
export const ai = topic('ai', 'video id')
export const media = topic('media', 'video id')
export const ops = topic('ops', 'operation')

export const topics: readonly KeyedTopic[] = [users, videos, notes, tasks, conversations, ai, media, ops]
