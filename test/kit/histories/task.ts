import fc from 'fast-check'
import {
  claimTask,
  releaseTask,
  scheduleTask,
  submitResult,
  TASK_KINDS,
  TaskAttemptFailed,
  TaskClaimed,
  TaskCompleted,
  type TaskPolicy,
  TaskReleased,
  TaskScheduled,
} from '#events/task.ts'
import { someTranscript, VIDEO } from './few.ts'
import { usually, wished } from './usually.ts'

const transcriptTask = { taskId: 1, videoId: VIDEO, kind: 'transcript' } as const
export const taskScheduled = usually(TaskScheduled, { ...transcriptTask, dueAt: 0 })
export const taskClaimed = usually(TaskClaimed, { ...transcriptTask, attempt: 1, leaseEndsAt: 0 })
export const taskReleased = usually(TaskReleased, { ...transcriptTask, attempt: 1 })
export const taskAttemptFailed = usually(TaskAttemptFailed, { ...transcriptTask, attempt: 1, error: 'no captions' })
export const taskCompleted = usually(TaskCompleted, { ...transcriptTask, attempt: 1 })

/** Leases and rests that end within a few events. */
export const HASTY: TaskPolicy = { maxAttempts: 3, leaseMs: 5_000, backoffMs: 1_000, restMs: 2_000, deadRestMs: 20_000 }
const someTask = { taskId: fc.integer({ min: 1, max: 8 }), kind: fc.constantFrom(...TASK_KINDS), videoId: fc.constantFrom(VIDEO) }
const someFinding = fc.oneof(
  fc.constant({ error: 'no captions' }),
  fc.constantFrom({ transcript: null }, { metadata: null }, { metadata: '{"a":1}' }),
  someTranscript.map((transcript) => ({ transcript })),
)

/** Random commands. */
export const taskWishes = {
  scheduleTask: wished(
    2,
    scheduleTask,
    fc.record({ kind: someTask.kind, videoId: someTask.videoId, policy: fc.constant(HASTY) }),
  ),
  claimTask: wished(6, claimTask, fc.record({ ...someTask, policy: fc.constant(HASTY) })),
  releaseTask: wished(1, releaseTask, fc.record({ ...someTask, attempt: fc.integer({ min: 1, max: 3 }) })),
  submitResult: wished(4, submitResult, fc.record({ ...someTask, finding: someFinding, policy: fc.constant(HASTY) })),
}
