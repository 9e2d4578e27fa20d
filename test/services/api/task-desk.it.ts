import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { pino } from 'pino'
import { catalog, deciders } from '#events/catalog.ts'
import { command, emit } from '#events/kit/command.ts'
import { scheduleTask, submitResult, type TaskKind, type TaskPolicy, TaskScheduled, tasksFor, usualPolicy } from '#events/task.ts'
import { topics } from '#events/topics.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { openListener } from '#platform/pg/listen.ts'
import { type Db, openDb, type Queryable } from '#platform/pg/pool.ts'
import { openChanges } from '#projections/engine/changes.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { tasksView } from '#projections/tasks.ts'
import { type ClaimedTask, openTaskDesk, type TaskDesk } from '#services/api/task-desk.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type TestLog, testLog, testReader } from '#test/kit/log.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { CONTEXT, clearTasks, schedule as scheduled } from './clear-tasks.ts'
import { newVideo } from './routes/kit.ts'

/** Far beyond the patience of any test: what it waits for is a wake-up, or nothing at all. */
const NEVER_MS = 3_600_000
const LONG_MS = 15_000

describe('the desk where workers wait for tasks', () => {
  const closing: (() => Promise<unknown>)[] = []
  let url: string
  let db: Db
  let log: TestLog
  let execute: Execute
  /** Three processes, as far as the database can tell. */
  let desks: TaskDesk[]
  /** Questions that the desks have put to the database. */
  let asked = 0

  /** A desk in a process of its own. */
  const another = (policy: TaskPolicy = usualPolicy, over: { execute?: Execute; db?: Queryable } = {}): TaskDesk => {
    const own = openDb(url, { max: 2 })
    const listener = openListener(url)
    const changes = openChanges(listener, { safetyNetMs: NEVER_MS })
    const { execute } = executor({ appender: appender(own), catalog, deciders, topics })
    closing.push(async () => {
      changes.close()
      await listener.close()
      await own.close()
    })
    const counting: Queryable = {
      query: (...query) => {
        asked++
        return own.query(...query)
      },
    }
    return openTaskDesk({ db: counting, changes, execute, policy, log: pino({ level: 'silent' }), ...over })
  }

  before(async function () {
    this.timeout(60_000)
    const database = await freshDatabase()
    closing.push(database.drop)
    url = database.url
    log = await testLog(url)
    closing.push(log.close)
    db = openDb(url)
    const listener = openListener(url)
    const reader = await testReader(url, db, listener)
    await setupViews([tasksView], { db, reader })
    const projector = startProjector({ db, reader, views: [tasksView] })
    closing.push(async () => {
      await projector.stop()
      await reader.close()
      await listener.close()
      await db.close()
    })
    ;({ execute } = executor({ appender: appender(db), catalog, deciders, topics }))
    desks = [another(), another(), another()]
  })
  after(async () => {
    for (const close of closing.reverse()) await close()
  })

  const schedule = async (kind: TaskKind = 'transcript', videoId = newVideo()) => {
    await scheduled(execute, kind, videoId)
    return videoId
  }
  const submit = (task: ClaimedTask, error?: string, policy = usualPolicy) => {
    const finding = error ? { error } : task.kind === 'transcript' ? { transcript: null } : { metadata: null }
    return execute(submitResult({ ...task, finding, policy }), CONTEXT)
  }
  const claim = (
    desk: TaskDesk = desks[0]!,
    { kind = 'transcript' as TaskKind, timeoutMs = LONG_MS, gone = new AbortController().signal } = {},
  ) => desk.claim(kind, { timeoutMs, gone, correlationId: 'test' })
  const eventsOf = async (videoId: string) =>
    (await db.query<{ type: string }>('t.types', `select type from log.events where key = $1 order by pos`, [videoId])).map(
      ({ type }) => type,
    )
  const shown = (videoId: string) =>
    eventually(async () => {
      const [row] = await db.query<{ status: string; attempts: number }>(
        't.row',
        'select status, attempts from views.tasks where video_id = $1',
        [videoId],
      )
      expect(row).to.not.equal(undefined)
      return row!
    })
  afterEach(() => clearTasks(db, execute))

  it('serves tasks in the order in which they were asked for, whatever their numbers are', async () => {
    // Each process draws its numbers from a range of its own, so a later task may have a lower one.
    const videos = Array.from({ length: 12 }, () => newVideo())
    for (const [n, videoId] of videos.entries()) {
      const scheduling = command({
        name: 'scheduleByHand',
        reads: { task: tasksFor('transcript', videoId) },
        decide: () => emit([TaskScheduled({ taskId: 2_000_000 - n, videoId, kind: 'transcript', dueAt: Date.now() })], {}),
      })
      await execute(scheduling, CONTEXT)
    }
    await eventually(async () =>
      expect((await db.query('t.count', `select from views.tasks where status = 'pending'`)).length).to.equal(videos.length),
    )
    const served: ClaimedTask[] = []
    for (let n = 0; n < videos.length; n++) served.push((await claim(desks[n % 3]))!)
    expect(served.map(({ videoId }) => videoId)).to.deep.equal(videos)
    for (const task of served) await submit(task)
  })

  it('gives many who wait at once a different task each, the first of those that were asked for', async () => {
    const videos: string[] = []
    for (let n = 0; n < 40; n++) videos.push(await schedule())
    await eventually(async () =>
      expect((await db.query('t.count', `select from views.tasks where status = 'pending'`)).length).to.equal(40),
    )
    const tasks = await Promise.all(Array.from({ length: 30 }, (_, n) => claim(desks[n % 3])))
    expect(new Set(tasks.map((task) => task!.videoId))).to.deep.equal(new Set(videos.slice(0, 30)))
    expect(tasks.map((task) => task!.attempt)).to.deep.equal(Array(30).fill(1))
    for (const task of tasks) await submit(task!)
  })

  it('gives one task to one of many who wait in several processes', async () => {
    const done = new AbortController()
    const waiting = Array.from({ length: 30 }, (_, n) => claim(desks[n % 3], { gone: done.signal }))
    const videoId = await schedule()
    const first = await Promise.race(waiting)
    expect(first).to.include({ videoId, attempt: 1 })
    await submit(first!)
    done.abort()
    expect((await Promise.all(waiting)).filter(Boolean)).to.have.length(1)
    expect(await eventsOf(videoId)).to.deep.equal(['TaskScheduled', 'TaskClaimed', 'TaskCompleted', 'VideoAdded'])
  })

  it('serves who came first first', async () => {
    const order: number[] = []
    const waiting = [0, 1, 2].map(async (n) => {
      const task = await claim()
      order.push(n)
      return task
    })
    for (let n = 0; n < 3; n++) {
      await schedule()
      await eventually(() => expect(order).to.have.length(n + 1))
    }
    expect(order).to.deep.equal([0, 1, 2])
    for (const task of await Promise.all(waiting)) await submit(task!)
  })

  it('keeps the kinds apart', async () => {
    const waiting = claim(desks[0], { kind: 'metadata' })
    await schedule('transcript')
    const videoId = await schedule('metadata')
    const task = await waiting
    expect(task).to.include({ videoId, kind: 'metadata' })
    await submit(task!)
  })

  it('asks the database nothing while there is no news', async () => {
    const done = new AbortController()
    const waiting = Array.from({ length: 50 }, (_, n) => claim(desks[n % 3], { gone: done.signal }))
    await eventually(() => expect(asked).to.be.greaterThan(0))
    let before: number
    do {
      before = asked
      await sleep(300)
    } while (asked !== before)
    await sleep(1_000)
    expect(asked).to.equal(before)
    done.abort()
    await Promise.all(waiting)
  })

  it('wakes when a task may be tried again, and when a lease ends', async () => {
    const hasty: TaskPolicy = { ...usualPolicy, backoffMs: 300, leaseMs: 400 }
    const desk = another(hasty)
    const videoId = await schedule()
    const first = await claim(desk)
    await submit(first!, 'no captions', hasty)
    const failedAt = Date.now()
    const second = await claim(desk)
    expect(second).to.include({ videoId, attempt: 2 })
    expect(Date.now() - failedAt).to.be.within(200, 5_000)
    // Nobody answers: the third gets it.
    const third = await claim(desk)
    expect(third).to.include({ videoId, attempt: 3 })
    // Nor now: it is over, and nobody gets it.
    expect(await claim(desk, { timeoutMs: 1_500 })).to.equal(undefined)
    expect(await eventsOf(videoId)).to.deep.equal([
      'TaskScheduled',
      ...['TaskClaimed', 'TaskAttemptFailed', 'TaskClaimed', 'TaskAttemptFailed', 'TaskClaimed', 'TaskAttemptFailed'],
    ])
    expect(await shown(videoId)).to.deep.equal({ status: 'failed', attempts: 3 })
  })

  it('does not miss a task that falls due while it looks', async () => {
    const patient: TaskPolicy = { ...usualPolicy, backoffMs: 1_000 }
    let endsAt = 0
    const slow: Queryable = {
      query: async <R extends object>(...query: Parameters<Queryable['query']>) => {
        const rows = await db.query<R>(...query)
        if (query[0] === 'tasks.due') await sleep(Math.max(0, endsAt - Date.now()))
        return rows
      },
    }
    const desk = another(patient, { db: slow })
    const videoId = await schedule()
    const first = await claim(desk)
    await submit(first!, 'no captions', patient)
    await eventually(async () => expect(await shown(videoId)).to.deep.equal({ status: 'pending', attempts: 1 }))
    endsAt = Date.now() + patient.backoffMs
    expect(await claim(desk)).to.include({ videoId, attempt: 2 })
  })

  it('gives nothing to who has left', async () => {
    const leaving = new AbortController()
    const waiting = claim(desks[0], { gone: leaving.signal })
    leaving.abort()
    expect(await waiting).to.equal(undefined)
    expect(await claim(desks[0], { gone: AbortSignal.abort() })).to.equal(undefined)
    const videoId = await schedule()
    await shown(videoId)
    expect(await eventsOf(videoId)).to.deep.equal(['TaskScheduled'])
  })

  it('takes back what was claimed for somebody who left meanwhile, and gives it to the next', async () => {
    const leaving = new AbortController()
    const slow: Execute = async (command, context) => {
      const executed = await execute(command, context)
      if (command.name === 'claimTask' && executed.result) leaving.abort()
      return executed
    }
    const videoId = await schedule()
    expect(await claim(another(usualPolicy, { execute: slow }), { gone: leaving.signal })).to.equal(undefined)
    const task = await claim(desks[1])
    expect(task).to.include({ videoId, attempt: 1 })
    expect(await eventsOf(videoId)).to.deep.equal(['TaskScheduled', 'TaskClaimed', 'TaskReleased', 'TaskClaimed'])
    await submit(task!)
  })

  it('takes back what it is told could not be delivered', async () => {
    const videoId = await schedule()
    const lost = await claim()
    desks[0]!.handBack(lost!, 'test')
    const task = await claim()
    expect(task).to.deep.equal({ taskId: lost!.taskId, kind: 'transcript', videoId, attempt: 1 })
    await submit(task!)
  })

  it('claims and takes back on behalf of the request that the task goes back to, each caused by the event before', async () => {
    const videoId = newVideo()
    await execute(scheduleTask({ kind: 'transcript', videoId, policy: usualPolicy }), { actor: null, correlationId: 'of-a-note' })
    const lost = await claim()
    desks[0]!.handBack(lost!, 'of-the-poller')
    const task = await claim()
    const events = await db.query<{ id: string; correlation_id: string; causation_id: string | null }>(
      't.causes',
      'select id, correlation_id, causation_id from log.events where key = $1 order by pos',
      [videoId],
    )
    expect(events.map(({ correlation_id }) => correlation_id)).to.deep.equal(Array(4).fill('of-a-note'))
    expect(events.map(({ causation_id }) => causation_id)).to.deep.equal([null, ...events.slice(0, -1).map(({ id }) => id)])
    await submit(task!)
  })

  it('answers in time when there is nothing', async () => {
    const startedAt = Date.now()
    expect(await claim(desks[0], { timeoutMs: 200 })).to.equal(undefined)
    expect(Date.now() - startedAt).to.be.within(190, 10_000)
  })

  it('makes up for a look that failed after a good one', async () => {
    const videoId = newVideo()
    let looks = 0
    const flaky: Queryable = {
      query: async <R extends object>(...query: Parameters<Queryable['query']>) => {
        if (query[0] === 'tasks.due' && ++looks === 2) throw new Error('away')
        const rows = await db.query<R>(...query)
        // News when the first look is all but over: it foresees nothing, and the second one fails.
        if (query[0] === 'tasks.next' && looks === 1) await shown(await schedule('transcript', videoId))
        return rows
      },
    }
    const task = await claim(another(usualPolicy, { db: flaky }))
    expect(task).to.include({ videoId })
    await submit(task!)
  })

  it('outlives a database that is away for a while', async () => {
    let failures = 2
    const flaky: Queryable = {
      query: (...query) => (failures-- > 0 ? Promise.reject(new Error('away')) : db.query(...query)),
    }
    const waiting = claim(another(usualPolicy, { db: flaky }))
    const videoId = await schedule()
    const task = await waiting
    expect(task).to.include({ videoId })
    await submit(task!)
  })
})
