import { z } from 'zod'
import { id, videoId } from './ids.ts'
import { command, type Decision, emit, nothing, reject } from './kit/command.ts'
import type { NewEvent } from './kit/envelope.ts'
import { decider, type EventFrom, noCaseFor, stream } from './kit/stream.ts'
import { tasks as topic } from './topics.ts'
import {
  hasMetadata,
  hasTranscript,
  mention,
  type StoredTranscript,
  type Video,
  videos,
  withMetadata,
  withTranscript,
} from './video.ts'

/**
 * Something that a worker has to find out about a video. Stream `task-<kind>-<YouTube's id>`: all tasks of one kind for one
 * video, one after the other, so that at most one is open.
 */
export const taskStream = stream<{ kind: TaskKind; videoId: string }>('task', {
  topic,
  id: (e) => `${e.kind}-${e.videoId}`,
  key: (e) => e.videoId,
})

export const TASK_KINDS = ['transcript', 'metadata'] as const
export type TaskKind = (typeof TASK_KINDS)[number]

// Events ----------------------------------------------------------------

const kind = z.enum(TASK_KINDS)
const taskId = id
const attempt = z.int().positive()
/** Milliseconds since the epoch. */
const moment = z.int()

/** The task may be claimed from `dueAt` on. */
export const TaskScheduled = taskStream.event('TaskScheduled', 1, z.object({ taskId, videoId, kind, dueAt: moment }))
/** A worker holds the task until `leaseEndsAt`. Without a result by then, the attempt has failed. */
export const TaskClaimed = taskStream.event('TaskClaimed', 1, z.object({ taskId, videoId, kind, attempt, leaseEndsAt: moment }))
/** The worker was gone before it got the answer to its claim, so the claim does not count as an attempt. */
export const TaskReleased = taskStream.event('TaskReleased', 1, z.object({ taskId, videoId, kind, attempt }))
/**
 * The task may be tried again from `retryAt` on. After the last attempt, no task of this kind starts for the video until
 * `restUntil`. `permanent`: no further attempt would help, so this one was the last.
 */
export const TaskAttemptFailed = taskStream.event(
  'TaskAttemptFailed',
  2,
  z.object({
    taskId,
    videoId,
    kind,
    attempt,
    error: z.string(),
    retryAt: moment.optional(),
    restUntil: moment.optional(),
    permanent: z.literal(true).optional(),
  }),
  { 1: (older) => older },
)
/** The worker is done. If it found nothing, no task of this kind starts for the video until `restUntil`. */
export const TaskCompleted = taskStream.event(
  'TaskCompleted',
  1,
  z.object({ taskId, videoId, kind, attempt, restUntil: moment.optional() }),
)

export const taskEvents = [TaskScheduled, TaskClaimed, TaskReleased, TaskAttemptFailed, TaskCompleted] as const
export type TaskEvent = EventFrom<(typeof taskEvents)[number]>

// State -----------------------------------------------------------------

/** The newest task of a kind for a video. All moments in milliseconds since the epoch. */
export interface Task {
  taskId: number
  status: 'pending' | 'claimed' | 'completed' | 'failed'
  /** Claims so far, without those handed back. */
  attempts: number
  /** Pending: when the task may be claimed. Claimed: when the lease ends. Otherwise: until when the video rests. */
  dueAt: number
  /** Consecutive tasks, including this one, that ended without a finding. */
  fruitless: number
}

export const evolveTask = (task: Task | undefined, event: TaskEvent): Task | undefined => {
  if (event.type === 'TaskScheduled') {
    const { taskId, dueAt } = event.data
    return { taskId, status: 'pending', attempts: 0, dueAt, fruitless: task?.fruitless ?? 0 }
  }
  if (!task) return task
  switch (event.type) {
    case 'TaskClaimed':
      return { ...task, status: 'claimed', attempts: event.data.attempt, dueAt: event.data.leaseEndsAt }
    case 'TaskReleased':
      return { ...task, status: 'pending', attempts: event.data.attempt - 1, dueAt: event.time }
    case 'TaskAttemptFailed': {
      const { retryAt, restUntil } = event.data
      return retryAt === undefined
        ? { ...task, status: 'failed', dueAt: restUntil ?? event.time, fruitless: task.fruitless + 1 }
        : { ...task, status: 'pending', dueAt: retryAt }
    }
    case 'TaskCompleted': {
      const { restUntil } = event.data
      const fruitless = restUntil === undefined ? 0 : task.fruitless + 1
      return { ...task, status: 'completed', dueAt: restUntil ?? event.time, fruitless }
    }
    default:
      return noCaseFor(event)
  }
}

export const tasks = decider<Task, TaskEvent>(taskStream, 1, evolveTask, { ids: ['task'] })

/** All tasks of a kind for a video. */
export const tasksFor = (kind: TaskKind, videoId: string) => tasks.of(`${kind}-${videoId}`)

// Decisions ---------------------------------------------------------------

/** Limits and waiting times for attempts. */
export interface TaskPolicy {
  maxAttempts: number
  /** Time that a worker has for one attempt. */
  leaseMs: number
  /** Wait before the second attempt; doubles before each further one. */
  backoffMs: number
  /** Rest of a video after a task that found nothing; five times as long after each further one, up to a day. */
  restMs: number
  /** Rest of a video that the worker reports as private, removed or permanently without captions. */
  deadRestMs: number
}

const DAY_MS = 24 * 3_600_000

export const usualPolicy: TaskPolicy = {
  maxAttempts: 3,
  leaseMs: 120_000,
  backoffMs: 500,
  restMs: 1_000,
  deadRestMs: 7 * DAY_MS,
}

const REST_GROWTH = 5

/** @param fruitless consecutive tasks before this one that found nothing */
const restMs = (policy: TaskPolicy, fruitless: number) => Math.min(DAY_MS, policy.restMs * REST_GROWTH ** fruitless)

/** Whether the video lacks what a task of this kind finds. */
export const isNeeded = (kind: TaskKind, video: Video | undefined) =>
  kind === 'transcript' ? !hasTranscript(video) : !hasMetadata(video)

/** The lease of the last attempt has ended, but no event records that yet. */
const isLost = (task: Task, now: number, { maxAttempts }: TaskPolicy) =>
  task.status === 'claimed' && task.dueAt <= now && task.attempts >= maxAttempts

interface OfTask {
  taskId: number
  kind: TaskKind
  videoId: string
}

/** The event for a failed attempt; the last attempt ends the task. */
function failed(
  of: OfTask,
  { attempts, fruitless }: Task,
  { error, permanent }: Failure,
  now: number,
  policy: TaskPolicy,
  backoffMs: number,
): NewEvent {
  const attempt = { ...of, attempt: attempts, error }
  if (permanent) return TaskAttemptFailed({ ...attempt, restUntil: now + policy.deadRestMs, permanent })
  const isLast = attempts >= policy.maxAttempts
  const next = isLast ? { restUntil: now + restMs(policy, fruitless) } : { retryAt: now + backoffMs }
  return TaskAttemptFailed({ ...attempt, ...next })
}

const LEASE_ENDED = { error: 'the worker did not answer in time' }
const leaseEnded = (of: OfTask, task: Task, now: number, policy: TaskPolicy) => failed(of, task, LEASE_ENDED, now, policy, 0)

/** Schedules a task if the video lacks what it finds and no task is open. The task waits until the video's rest is over. */
export const scheduleTask = ({ policy, ...of }: { kind: TaskKind; videoId: string; policy: TaskPolicy }) =>
  command({
    name: 'scheduleTask',
    reads: { video: videos.of(of.videoId), task: tasksFor(of.kind, of.videoId) },
    ids: ['task'],
    decide: ({ video, task }, { now, ids }) => {
      if (!isNeeded(of.kind, video)) return nothing({})
      if (!task) return emit([TaskScheduled({ ...of, taskId: ids.task, dueAt: now })], {})
      if (isLost(task, now, policy)) {
        const dueAt = now + restMs(policy, task.fruitless)
        const lost = leaseEnded({ ...of, taskId: task.taskId }, task, now, policy)
        return emit([lost, TaskScheduled({ ...of, taskId: ids.task, dueAt })], {})
      }
      if (task.status === 'pending' || task.status === 'claimed') return nothing({})
      return emit([TaskScheduled({ ...of, taskId: ids.task, dueAt: Math.max(now, task.dueAt) })], {})
    },
  })

/** Claims a task for a worker. Answers with the number of the attempt, or null when the task cannot be claimed (any more). */
export const claimTask = ({ policy, ...of }: OfTask & { policy: TaskPolicy }) =>
  command({
    name: 'claimTask',
    reads: { task: tasksFor(of.kind, of.videoId) },
    decide: ({ task }, { now }): Decision<{ attempt: number } | null> => {
      const isOpen = task?.status === 'pending' || task?.status === 'claimed'
      if (task?.taskId !== of.taskId || !isOpen || task.dueAt > now) return nothing(null)
      if (isLost(task, now, policy)) return emit([leaseEnded(of, task, now, policy)], null)
      const late = task.status === 'claimed' ? [leaseEnded(of, task, now, policy)] : []
      const attempt = task.attempts + 1
      return emit([...late, TaskClaimed({ ...of, attempt, leaseEndsAt: now + policy.leaseMs })], { attempt })
    },
  })

/** Returns a claim whose answer could not be delivered to the worker. */
export const releaseTask = ({ attempt, ...of }: OfTask & { attempt: number }) =>
  command({
    name: 'releaseTask',
    reads: { task: tasksFor(of.kind, of.videoId) },
    decide: ({ task }) =>
      task?.taskId === of.taskId && task.status === 'claimed' && task.attempts === attempt
        ? emit([TaskReleased({ ...of, attempt })], {})
        : nothing({}),
  })

/** A worker's finding: a stored transcript, metadata as JSON text (null: there is none), or a failure. */
export type Finding = { transcript: StoredTranscript | null } | { metadata: string | null } | Failure

/** Why a worker found nothing; `permanent` when no attempt ever will. */
export interface Failure {
  error: string
  permanent?: true | undefined
}

/** The events that a finding adds to the video. */
function newsOf(finding: Finding, video: Video | undefined, videoId: string): NewEvent[] {
  if ('transcript' in finding && finding.transcript) return withTranscript(video, videoId, finding.transcript)
  if ('metadata' in finding && finding.metadata) return withMetadata(video, videoId, finding.metadata)
  return []
}

const isNothing = (finding: Finding) => Object.values(finding).every((found) => found === null)

/** Whether a worker holds the task; changes nothing. */
export const findTask = (of: OfTask) =>
  command({
    name: 'findTask',
    reads: { task: tasksFor(of.kind, of.videoId) },
    decide: ({ task }) => nothing({ isInProgress: task?.taskId === of.taskId && task.status === 'claimed' }),
  })

/**
 * Records a worker's finding, together with the events that it adds to the video. The first answer counts, even after the lease
 * has ended, as long as no other worker has claimed the task.
 */
export const submitResult = ({ policy, finding, ...of }: OfTask & { finding: Finding; policy: TaskPolicy }) =>
  command({
    name: 'submitResult',
    reads: { task: tasksFor(of.kind, of.videoId), video: videos.of(of.videoId) },
    ids: ['video'],
    decide: ({ task, video }, { now, ids }): Decision<{ status: 'pending' | 'failed' | 'completed' }> => {
      if (task?.taskId !== of.taskId || task.status !== 'claimed') return reject('BAD_REQUEST', 'Task is not in progress')
      if ('error' in finding) {
        const backoffMs = policy.backoffMs * 2 ** (task.attempts - 1)
        const isLast = finding.permanent || task.attempts >= policy.maxAttempts
        return emit([failed(of, task, finding, now, policy, backoffMs)], { status: isLast ? 'failed' : 'pending' })
      }
      const restUntil = isNothing(finding) ? now + restMs(policy, task.fruitless) : undefined
      const completed = TaskCompleted({ ...of, attempt: task.attempts, restUntil })
      const known = mention(video, { videoId: of.videoId, id: ids.video })
      return emit([completed, ...known, ...newsOf(finding, video, of.videoId)], { status: 'completed' })
    },
  })
