import type { Topic } from './kit/stream.ts'

/** Twelve partitions, for ever: adding some would send the keys of a running stream elsewhere. */
const topic = (name: string): Topic => ({ name: `vidwiz.${name}`, partitions: 12 })

export const users = topic('users')
export const videos = topic('videos')
export const notes = topic('notes')
export const tasks = topic('tasks')
export const conversations = topic('conversations')
export const ai = topic('ai')
export const media = topic('media')

export const topics: readonly Topic[] = [users, videos, notes, tasks, conversations, ai, media]
