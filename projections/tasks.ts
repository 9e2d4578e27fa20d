import { type TaskEvent, type TaskKind, TaskScheduled, taskEvents } from '#events/task.ts'
import { type Queryable, view } from './engine/view.ts'

/** What a worker has to find out about a video. */
export type TaskRow = {
  task_id: number
  video_id: string
  kind: string
  status: string
  /** Claims so far, but for those handed back. */
  attempts: number
  /** When it may be claimed, the end of its lease included; null once nobody may. Milliseconds since the epoch. */
  due_at: number | null
  /** Why the last attempt failed, if one did. */
  error: string | null
  created_at: string
  updated_at: string
  /** Of the stream: rises with every change. */
  version: number
}

/** Of which something may still come. */
const OPEN = 'due_at is not null'

export const tasksView = view('tasks', {
  version: 1,
  from: taskEvents,
  key: 'task_id',
  anew: [TaskScheduled],
  columns: {
    task_id: 'bigint not null',
    video_id: 'text not null',
    kind: 'text not null',
    status: 'text not null',
    attempts: 'int not null',
    due_at: 'bigint',
    error: 'text',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
    version: 'int not null',
  },
  indexes: [`(kind, task_id) where ${OPEN}`, `(kind, due_at) where ${OPEN}`],
  id: (event) => event.data.taskId,
  evolve: (task: TaskRow | undefined, event: TaskEvent) => {
    const { version, time } = event
    const updated_at = new Date(time).toISOString()
    if (event.type === 'TaskScheduled') {
      const { taskId: task_id, videoId: video_id, kind, dueAt: due_at } = event.data
      const nothingYet = { status: 'pending', attempts: 0, error: null }
      return { task_id, video_id, kind, ...nothingYet, due_at, created_at: updated_at, updated_at, version }
    }
    if (!task) return undefined
    switch (event.type) {
      case 'TaskClaimed':
        return { ...task, status: 'claimed', attempts: event.data.attempt, due_at: event.data.leaseEndsAt, updated_at, version }
      case 'TaskReleased':
        return { ...task, status: 'pending', attempts: event.data.attempt - 1, due_at: time, updated_at, version }
      case 'TaskAttemptFailed': {
        const { error, retryAt: due_at = null } = event.data
        return { ...task, status: due_at === null ? 'failed' : 'pending', due_at, error, updated_at, version }
      }
      case 'TaskCompleted':
        return { ...task, status: 'completed', due_at: null, updated_at, version }
    }
  },
})

/** One task, whatever became of it. */
export async function taskById(db: Queryable, id: number): Promise<Pick<TaskRow, 'task_id' | 'video_id' | 'kind'> | undefined> {
  const [task] = await db.query<TaskRow>('tasks.byId', 'select task_id, video_id, kind from views.tasks where task_id = $1', [id])
  return task
}

/** A task that may be claimed, as far as the view knows. */
export type DueTask = Pick<TaskRow, 'task_id' | 'video_id' | 'version'>

/** The tasks of a kind that may be claimed at a moment, lowest id first, beyond the task `after`. */
export const dueTasks = (db: Queryable, kind: TaskKind, now: number, after: number, limit: number): Promise<DueTask[]> =>
  db.query<DueTask>(
    'tasks.due',
    `select task_id, video_id, version from views.tasks
      where kind = $1 and task_id > $3 and ${OPEN} and due_at <= $2 order by task_id limit $4`,
    [kind, now, after, limit],
  )

/** When the next task of a kind may be claimed that may not be at this moment; undefined when none is foreseen. */
export async function nextDueAt(db: Queryable, kind: TaskKind, now: number): Promise<number | undefined> {
  const [next] = await db.query<{ due_at: number }>(
    'tasks.next',
    `select due_at from views.tasks where kind = $1 and due_at > $2 order by due_at limit 1`,
    [kind, now],
  )
  return next?.due_at
}
