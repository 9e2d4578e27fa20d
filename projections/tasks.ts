import type { Foldable } from '#events/kit/envelope.ts'
import { noCaseFor } from '#events/kit/stream.ts'
import { type TaskEvent, type TaskKind, TaskScheduled, taskEvents } from '#events/task.ts'
import { isoTime } from './engine/iso-time.ts'
import { type Queryable, view } from './engine/view.ts'

/** A task of a worker: what to find out about a video. */
export type TaskRow = {
  task_id: number
  video_id: string
  kind: string
  status: string
  /** Claims so far, without those handed back. */
  attempts: number
  /**
   * When the task may be claimed next: for a claimed task, the end of its lease. Null once it has
   * ended. Milliseconds since the epoch.
   */
  due_at: number | null
  /** Position of the event that scheduled it: tasks are handed out in this order. */
  scheduled_pos: number
  /** Correlation id of the request that it was scheduled for. */
  correlation_id: string | null
  /** Id of the last event: the causation id of the next one. */
  event_id: string
  /** Why the last attempt failed, if one did. */
  error: string | null
  created_at: string
  updated_at: string
  /** Version of the stream: rises with every change. */
  version: number
}

/** Condition for tasks that have not ended. */
const OPEN = 'due_at is not null'

type FoldedEvent = Foldable<TaskEvent, 'id' | 'correlationId'>

export const tasksView = view('tasks', {
  version: 3,
  from: taskEvents,
  key: 'task_id',
  perStream: true,
  overwrites: [TaskScheduled],
  columns: {
    task_id: 'bigint not null',
    video_id: 'text not null',
    kind: 'text not null',
    status: 'text not null',
    attempts: 'int not null',
    due_at: 'bigint',
    scheduled_pos: 'bigint not null',
    correlation_id: 'text',
    event_id: 'text not null',
    error: 'text',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
    version: 'int not null',
  },
  indexes: [`(kind, scheduled_pos) where ${OPEN}`, `(kind, due_at) where ${OPEN}`, `(updated_at) where status = 'failed'`],
  uses: ['id', 'correlationId'],
  id: (event) => event.data.taskId,
  evolve: (task: TaskRow | undefined, event: FoldedEvent) => {
    const { version, time, id: event_id, pos: scheduled_pos, correlationId: correlation_id } = event
    const updated_at = isoTime(time)
    if (event.type === 'TaskScheduled') {
      const { taskId: task_id, videoId: video_id, kind, dueAt: due_at } = event.data
      const begun = { status: 'pending', attempts: 0, error: null, scheduled_pos, correlation_id }
      return { task_id, video_id, kind, ...begun, due_at, event_id, created_at: updated_at, updated_at, version }
    }
    if (!task) return undefined
    const now = { event_id, updated_at, version }
    switch (event.type) {
      case 'TaskClaimed':
        return { ...task, status: 'claimed', attempts: event.data.attempt, due_at: event.data.leaseEndsAt, ...now }
      case 'TaskReleased':
        return { ...task, status: 'pending', attempts: event.data.attempt - 1, due_at: time, ...now }
      case 'TaskAttemptFailed': {
        const { error, retryAt: due_at = null } = event.data
        return { ...task, status: due_at === null ? 'failed' : 'pending', due_at, error, ...now }
      }
      case 'TaskCompleted':
        return { ...task, status: 'completed', due_at: null, ...now }
      default:
        return noCaseFor(event)
    }
  },
})

/** One task, in any status. */
export async function taskById(
  db: Queryable,
  id: number,
): Promise<Pick<TaskRow, 'task_id' | 'video_id' | 'kind' | 'correlation_id' | 'event_id'> | undefined> {
  const [task] = await db.query<TaskRow>(
    'tasks.byId',
    'select task_id, video_id, kind, correlation_id, event_id from views.tasks where task_id = $1',
    [id],
  )
  return task
}

/** A task that may be claimed, according to the view. */
export type DueTask = Pick<TaskRow, 'task_id' | 'video_id' | 'version' | 'scheduled_pos' | 'correlation_id' | 'event_id'>

/**
 * The tasks of a kind that may be claimed at the moment `now`, in the order in which they were
 * scheduled, beyond the position `after`.
 */
export const dueTasks = (db: Queryable, kind: TaskKind, now: number, after: number, limit: number): Promise<DueTask[]> =>
  db.query<DueTask>(
    'tasks.due',
    `select task_id, video_id, version, scheduled_pos, correlation_id, event_id from views.tasks
      where kind = $1 and scheduled_pos > $3 and ${OPEN} and due_at <= $2 order by scheduled_pos limit $4`,
    [kind, now, after, limit],
  )

/** When the next task of a kind becomes claimable after `now`; undefined when the view has none. */
export async function nextDueAt(db: Queryable, kind: TaskKind, now: number): Promise<number | undefined> {
  const [next] = await db.query<{ due_at: number }>(
    'tasks.next',
    `select due_at from views.tasks where kind = $1 and due_at > $2 order by due_at limit 1`,
    [kind, now],
  )
  return next?.due_at
}

/**
 * The number of tasks that wait, that workers hold, and that failed permanently in the last day; with the
 * time of the oldest in each status.
 */
export const taskCounts = (db: Queryable): Promise<{ status: string; tasks: number; oldestAt: number | null }[]> =>
  db.query(
    'tasks.counts',
    `select status, count(*) as tasks, (extract(epoch from min(updated_at)) * 1000)::bigint as "oldestAt" from (
       select status, updated_at from views.tasks where ${OPEN}
       union all
       select status, updated_at from views.tasks where status = 'failed' and updated_at > now() - interval '1 day') t
      group by status order by status`,
  )
