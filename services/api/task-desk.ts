import type { Logger } from 'pino'
import { claimTask, releaseTask, TASK_KINDS, type TaskKind, type TaskPolicy, tasksFor } from '#events/task.ts'
import { faultOf } from '#platform/http/access-log.ts'
import type { Execute } from '#platform/log/executor.ts'
import { newestOf } from '#platform/log/postgres/newest.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Changes } from '#projections/engine/changes.ts'
import { type DueTask, dueTasks, nextDueAt, tasksView } from '#projections/tasks.ts'

/** A task in the hands of a worker. */
export interface ClaimedTask {
  taskId: number
  kind: TaskKind
  videoId: string
  /** 1 for the first. */
  attempt: number
}

/** Somebody who asks for a task. */
export interface Asking {
  timeoutMs: number
  /** Ends the wait; who is gone gets no task. */
  gone: AbortSignal
  /** Of the request. */
  correlationId: string
}

/** Where workers wait for tasks. */
export interface TaskDesk {
  /**
   * Waits for a task of this kind and claims it: the one that was asked for first of those to be had.
   * @returns undefined when there was none in time
   */
  claim(kind: TaskKind, asking: Asking): Promise<ClaimedTask | undefined>
  /** How many wait, by kind of task. */
  waiting(): Record<TaskKind, number>
  /** Takes a task back that its worker could not be told of. */
  handBack(task: ClaimedTask, correlationId: string): void
}

export interface TaskDeskOptions {
  db: Queryable
  changes: Changes
  execute: Execute
  policy: TaskPolicy
  log: Logger
}

/** One per process. Waiting costs nothing: those who wait look together, and only when the view has changed or a task falls due. */
export function openTaskDesk(options: TaskDeskOptions): TaskDesk {
  const lines = new Map(TASK_KINDS.map((kind) => [kind, new Line(kind, options)]))
  return {
    claim: (kind, asking) => lines.get(kind)!.claim(asking),
    waiting: () => Object.fromEntries([...lines].map(([kind, line]) => [kind, line.length])) as Record<TaskKind, number>,
    handBack: (task, correlationId) => void handBack(task, correlationId, options),
  }
}

const actor = 'admin'

async function handBack(task: ClaimedTask, requestId: string, { db, execute, log }: TaskDeskOptions) {
  log.info({ ...task, requestId }, 'a worker was gone before it had its task')
  try {
    // The view may not show the claim yet.
    const claim = await newestOf(db, tasksFor(task.kind, task.videoId).stream)
    await execute(releaseTask(task), { actor, correlationId: claim?.correlationId ?? requestId, causationId: claim?.id })
  } catch (error) {
    // The task comes back by itself when its lease ends.
    log.warn({ ...task, fault: faultOf(error) }, 'could not take a task back')
  }
}

/** Somebody who waits. */
interface Poller extends Asking {
  isBeingServed: boolean
  isLate: boolean
  settle(task?: ClaimedTask): void
}

/** A look that failed is made up for after so long. */
const RETRY_MS = 1_000
/** The longest that a timer is set for. */
const LOOK_AGAIN_MS = 60_000
/** Tasks to look at beyond the number of pollers: others may have been faster with some. */
const SPARE = 4
/** How long a view may need to show that a task is not to be had any more. */
const TAKEN_MS = 5_000
const MOST_TAKEN = 1_000

/** Those who wait for one kind of task: first come, first served. */
class Line {
  private readonly kind: TaskKind
  private readonly options: TaskDeskOptions
  private readonly waiting = new Set<Poller>()
  /** Tasks that were not to be had in a version, though the view may not show it yet. */
  private readonly taken = new Map<number, { version: number; until: number }>()
  private isLooking = false
  private hasNews = false
  private unwatch: (() => void) | undefined
  private alarm: NodeJS.Timeout | undefined

  constructor(kind: TaskKind, options: TaskDeskOptions) {
    this.kind = kind
    this.options = options
  }

  get length(): number {
    return this.waiting.size
  }

  claim(asking: Asking): Promise<ClaimedTask | undefined> {
    const { timeoutMs, gone } = asking
    if (gone.aborted) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const giveUp = () => {
        poller.isLate = true
        if (!poller.isBeingServed) poller.settle()
      }
      const timer = setTimeout(giveUp, timeoutMs)
      gone.addEventListener('abort', giveUp)
      const poller: Poller = {
        ...asking,
        isBeingServed: false,
        isLate: false,
        settle: (task) => {
          clearTimeout(timer)
          gone.removeEventListener('abort', giveUp)
          this.leave(poller)
          resolve(task)
        },
      }
      this.join(poller)
    })
  }

  private join(poller: Poller) {
    this.waiting.add(poller)
    // Before the first look: what changes after it is not missed.
    this.unwatch ??= this.options.changes.onMove([tasksView], () => this.look())
    this.look()
  }

  private leave(poller: Poller) {
    this.waiting.delete(poller)
    if (this.waiting.size > 0) return
    this.unwatch?.()
    this.unwatch = undefined
    clearTimeout(this.alarm)
  }

  /** Looks, and once more if a look is under way: that may have been too early to see what this one is about. */
  private look() {
    this.hasNews = true
    if (!this.isLooking) void this.lookWhileNews()
  }

  private async lookWhileNews() {
    this.isLooking = true
    clearTimeout(this.alarm)
    let again = LOOK_AGAIN_MS
    try {
      while (this.hasNews && this.waiting.size > 0) {
        this.hasNews = false
        // One moment for both: what falls due while this goes on is foreseen, not missed.
        const now = Date.now()
        await this.serve(now)
        again = await this.untilNextDue(now)
      }
    } catch (error) {
      this.options.log.warn({ kind: this.kind, fault: faultOf(error) }, 'cannot look for tasks')
      again = RETRY_MS
    }
    this.isLooking = false
    if (this.waiting.size > 0) this.alarm = setTimeout(() => this.look(), again)
  }

  /** Goes through the tasks that are due at a moment, in the order in which they were asked for, until there is nobody or nothing left. */
  private async serve(now: number) {
    for (let after = 0; this.waiting.size > 0; ) {
      const limit = this.waiting.size + SPARE
      const due = await dueTasks(this.options.db, this.kind, now, after, limit)
      const free = due.filter((task) => !this.isTaken(task))
      while (free.length > 0 && this.waiting.size > 0) {
        const pollers = [...this.waiting].slice(0, free.length)
        const offers = await Promise.allSettled(pollers.map((poller, i) => this.offer(free[i]!, poller)))
        const failed = offers.find(({ status }) => status === 'rejected')
        if (failed) throw (failed as PromiseRejectedResult).reason
        free.splice(0, pollers.length)
      }
      if (due.length < limit) return
      after = due.at(-1)!.scheduled_pos
    }
  }

  private async offer(due: DueTask, poller: Poller) {
    poller.isBeingServed = true
    try {
      const task = await this.claimed(due, poller)
      if (!task) return
      if (!poller.gone.aborted) return poller.settle(task)
      await handBack(task, poller.correlationId, this.options)
    } finally {
      poller.isBeingServed = false
      if (poller.isLate && this.waiting.has(poller)) poller.settle()
    }
  }

  /** Claims a task; undefined when somebody else was faster, here or in another process. */
  private async claimed(due: DueTask, poller: Poller) {
    const { execute, policy } = this.options
    const { task_id: taskId, video_id: videoId, version } = due
    const of = { taskId, kind: this.kind, videoId }
    // It goes back to whoever needs the task, not to the worker that happens to ask.
    const correlationId = due.correlation_id ?? poller.correlationId
    const { result: claim } = await execute(claimTask({ ...of, policy }), { actor, correlationId, causationId: due.event_id })
    if (this.taken.size > MOST_TAKEN) this.taken.clear()
    this.taken.set(taskId, { version, until: Date.now() + TAKEN_MS })
    return claim ? { ...of, ...claim } : undefined
  }

  private isTaken({ task_id, version }: DueTask) {
    const taken = this.taken.get(task_id)
    return taken !== undefined && version <= taken.version && Date.now() < taken.until
  }

  /** How long until the first task that was not due yet at a moment will be. */
  private async untilNextDue(now: number): Promise<number> {
    const next = this.waiting.size > 0 ? await nextDueAt(this.options.db, this.kind, now) : undefined
    return next === undefined ? LOOK_AGAIN_MS : Math.min(LOOK_AGAIN_MS, Math.max(0, next - Date.now()))
  }
}
