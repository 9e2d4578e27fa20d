import { aiEvents, aiRequests } from './ai.ts'
import { conversationEvents, conversations } from './conversation.ts'
import { catalogOf } from './kit/codec.ts'
import type { Decider, EventFrom } from './kit/stream.ts'
import { mediaEvents, mediaJobs } from './media.ts'
import { noteEvents, notes } from './note.ts'
import { operationEvents, operations } from './ops.ts'
import { taskEvents, tasks } from './task.ts'
import { userEvents, users } from './user.ts'
import { videoEvents, videos } from './video.ts'

const types = [
  ...userEvents,
  ...videoEvents,
  ...noteEvents,
  ...taskEvents,
  ...conversationEvents,
  ...aiEvents,
  ...mediaEvents,
  ...operationEvents,
] as const

/** Any event that this code can read. */
export type AnyEvent = EventFrom<(typeof types)[number]>

/** Every type of event. A new kind of stream is added to `types` and to `deciders`. */
export const catalog = catalogOf(types)

/** The decider of each kind of stream. */
export const deciders: readonly Decider[] = [users, videos, notes, tasks, conversations, aiRequests, mediaJobs, operations]
