import type { Logger } from 'pino'
import { claimTask, releaseTask, TASK_KINDS, type TaskKind, type TaskPolicy, tasksFor } from '#events/task.ts'
import { now as clock } from '#platform/clock.ts'
import type { Execute } from '#platform/log/commands/executor.ts'
import { newestOf } from '#platform/log/postgres/newest.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { faultOf } from '#platform/telemetry/fault.ts'
import { isTracing, span, traceparentOr } from '#platform/telemetry/tracing/tracing.ts'
import type { Changes } from '#projections/engine/changes.ts'
import { type DueTask, dueTasks, nextDueAt, tasksView } from '#projections/tasks.ts'

/** A task that a worker has claimed. */
export interface ClaimedTask {
  taskId: number
  kind: TaskKind
  videoId: string
  /** 1 for the first attempt. */
  attempt: number
  /** The trace in which the task was handed out, when tracing is on. */
  traceparent?: string | undefined
}

/** A worker's request for a task. */
export interface Asking {
  timeoutMs: number
  /** Ends the wait: a client that is gone gets no task. */
  gone: AbortSignal
  /** Of the request. */
  correlationId: string
}

/** Workers wait here for tasks. */
export interface TaskDesk {
  /**
   * Waits for a task of this kind and claims it. Among the available tasks the one requested first comes first.
   * @returns undefined when there was none in time
   */
  claim(kind: TaskKind, asking: Asking): Promise<ClaimedTask | undefined>
  /** Number of waiting workers, by kind of task. */
  waiting(): Record<TaskKind, number>
  /** Releases a task whose claim could not be delivered to its worker. */
  handBack(task: ClaimedTask, correlationId: string): void
}

export interface TaskDeskOptions {
  db: Queryable
  changes: Changes
  execute: Execute
  policy: TaskPolicy
  log: Logger
}

/** One per process. All waiting workers share a query, which runs only when the view changes or a task falls due. */
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
  log.info({ ...task, requestId }, 'a worker disconnected before it got its task')
  try {
    // The view may not show the claim yet.
    const claim = await newestOf(db, tasksFor(task.kind, task.videoId).stream)
    await execute(releaseTask(task), { actor, correlationId: claim?.correlationId ?? requestId, causationId: claim?.id })
  } catch (error) {
    // The task becomes available again when its lease ends.
    log.warn({ ...task, fault: faultOf(error) }, 'could not take a task back')
  }
}

/** A waiting worker. */
interface Poller extends Asking {
  isBeingServed: boolean
  isLate: boolean
  settle(task?: ClaimedTask): void
}

/** Pause before the next look after one that failed. */
const RETRY_MS = 1_000
/** Longest time between two looks. */
const LOOK_AGAIN_MS = 60_000
/** Tasks to fetch beyond the number of pollers: other processes may have claimed some. */
const SPARE = 4
/** Time within which the view should show that a task is taken. */
const TAKEN_MS = 5_000
const MOST_TAKEN = 1_000

/** Workers that wait for one kind of task: first come, first served. */
class Line {
  private readonly kind: TaskKind
  private readonly options: TaskDeskOptions
  private readonly waiting = new Set<Poller>()
  /** Tasks that this process claimed or found taken, with the version seen then. The view may not show it yet. */
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
    // Subscribe before the first look, so that no later change is missed.
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

  /** Looks. If a look is under way, it is repeated, because it may have been too early to see this change. */
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
        // One moment for both queries, so that a task that falls due between them is not missed.
        const now = clock()
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

  /** Offers the tasks that are due at `now`, in the order of their requests, until no worker or no task is left. */
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

  /** Claims a task; undefined when another worker was faster, here or in another process. */
  private async claimed(due: DueTask, poller: Poller) {
    const { db, execute, policy } = this.options
    const { task_id: taskId, video_id: videoId, version } = due
    const of = { taskId, kind: this.kind, videoId }
    // The correlation id of the request that needs the task, not of the worker's poll.
    const correlationId = due.correlation_id ?? poller.correlationId
    const claiming = () => execute(claimTask({ ...of, policy }), { actor, correlationId, causationId: due.event_id })
    const asked = isTracing() ? await newestOf(db, tasksFor(this.kind, videoId).stream) : undefined
    const { result: claim, traceparent } = await span(
      () => ({ name: 'hand out a task', from: [asked?.traceparent] }),
      async () => ({ ...(await claiming()), traceparent: traceparentOr(undefined) }),
    )
    if (this.taken.size > MOST_TAKEN) this.taken.clear()
    this.taken.set(taskId, { version, until: Date.now() + TAKEN_MS })
    return claim ? { ...of, ...claim, ...(traceparent && { traceparent }) } : undefined
  }

  private isTaken({ task_id, version }: DueTask) {
    const taken = this.taken.get(task_id)
    return taken !== undefined && version <= taken.version && Date.now() < taken.until
  }

  /** Milliseconds until the next task falls due that was not due yet at `now`. */
  private async untilNextDue(now: number): Promise<number> {
    const next = this.waiting.size > 0 ? await nextDueAt(this.options.db, this.kind, now) : undefined
    return next === undefined ? LOOK_AGAIN_MS : Math.min(LOOK_AGAIN_MS, Math.max(0, next - clock()))
  }
}
