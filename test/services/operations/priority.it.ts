import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type pg from 'pg'
import { identity, sessionOf } from '#platform/processes.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { views } from '#projections/index.ts'
import { replayInChild } from '#services/operations/replays/child.ts'
import { eventually } from '#test/kit/eventually.ts'
import { noteCreated } from '#test/kit/histories.ts'
import { binVidwiz, type Running } from '#test/kit/run.ts'
import { mayLower, sessionPriority } from '#test/kit/session-priority.ts'
import { type Workshop, workshop } from '../../projections/workshop.ts'

const LOWEST = 19
const own = sessionPriority(process.pid)
/** A swap waits for its lock for 200 ms at a time. */
const OFTEN = { everyMs: 50 }

describe('the priority of a replay', function () {
  this.timeout(60_000)
  let shop: Workshop
  let running: Running | undefined

  before(async function () {
    shop = await workshop()
    if (!(await mayLower(shop.db))) this.skip()
    await shop.record(noteCreated({ noteId: 1 }), noteCreated({ noteId: 2 }))
    await setupViews(views, shop)
  })
  afterEach(async () => {
    running?.process.kill('SIGKILL')
    await running?.finished
    running = undefined
  })
  after(() => shop?.close())

  /** Starts a replay that waits for a lock. Calls back with its process, and the process of Postgres that waits. */
  async function waitingFor(
    lock: string,
    start: () => unknown,
    work: (pids: Record<'replay' | 'backend', number>) => Promise<void>,
  ) {
    await shop.db.tx(async (tx: pg.PoolClient) => {
      await tx.query(lock)
      start()
      const pids = await eventually(async () => {
        const rows = await shop.db.query<{ replay: number; backend: number }>(
          't.waiting',
          `select pid as backend, substring(application_name from '^vidwiz (?:cli|replay) (\\d+)-')::int as replay from pg_stat_activity
            where datname = current_database() and application_name ~ '^vidwiz (cli|replay)' and wait_event_type = 'Lock'`,
        )
        expect(rows.length, running?.stderr()).to.equal(1)
        return rows[0]!
      }, OFTEN)
      await work(pids)
    })
  }
  const command =
    (...args: string[]) =>
    () => {
      running = binVidwiz(args, shop.env)
    }
  const reading = 'lock table log.checkpoints in access exclusive mode'
  const swapping = 'lock table views.notes in access share mode'

  /** The process and its process of Postgres have the lowest priority; the session that it was started in is as before. */
  const expectLowest = async ({ replay, backend }: Record<'replay' | 'backend', number>) => {
    expect(sessionOf(replay)).to.equal(replay)
    expect([replay, backend].map(sessionPriority)).to.deep.equal([LOWEST, LOWEST])
    expect(sessionPriority(process.pid)).to.equal(own)
  }

  for (const args of [
    ['rebuild', 'notes'],
    ['rebuild', 'notes', '--dry-run'],
    ['verify', 'notes'],
    ['as-of', 'notes', '--position', '2'],
  ])
    it(`Unfelt: \`vidwiz ${args.join(' ')}\` is the lowest of the machine while it reads, also in Postgres`, async () => {
      await waitingFor(reading, command(...args), expectLowest)
      expect((await running!.finished).code).to.equal(0)
    })

  it('Unfelt: so is a replay that the page runs', async () => {
    let replay: Promise<unknown> | undefined
    const spec = { id: randomUUID(), act: 'verify', view: 'notes', by: 'ada' } as const
    const start = () => {
      replay = replayInChild(shop.db, spec, { signal: new AbortController().signal, env: { ...process.env, ...shop.env } })
    }
    await waitingFor(reading, start, expectLowest)
    await replay
  })

  it('Unfelt: it is normal while it swaps tables, because others may wait for that', async () => {
    await waitingFor(swapping, command('rebuild', 'notes'), async ({ replay, backend }) => {
      expect([replay, backend].map(sessionPriority)).to.deep.equal([0, 0])
    })
    expect((await running!.finished).code).to.equal(0)
  })

  it('is normal with --full-speed, also where everything is started with a nice value', async () => {
    const start = () => {
      running = binVidwiz(['rebuild', 'notes', '--full-speed'], shop.env, ['nice', '-n', '10'])
    }
    for (const lock of [reading, swapping]) {
      await waitingFor(lock, start, async ({ replay, backend }) => {
        expect([replay, backend].map(sessionPriority)).to.deep.equal([0, 0])
      })
      expect((await running!.finished).code).to.equal(0)
    }
  })

  it('is ended by Ctrl-C, with its exit code and nothing changed', async () => {
    await waitingFor(swapping, command('rebuild', 'notes'), async ({ replay }) => {
      running!.process.kill('SIGINT')
      const { code, stderr } = await running!.finished
      expect([code, stderr.trim().split('\n').at(-1)]).to.deep.equal([1, 'vidwiz: cancelled: nothing has changed'])
      expect(identity(replay)).to.equal(undefined)
    })
  })

  it('is cancelled when the command that started it is killed', async () => {
    await waitingFor(swapping, command('rebuild', 'notes'), async ({ replay }) => {
      running!.process.kill('SIGKILL')
      await eventually(() => expect(identity(replay)).to.equal(undefined))
      const [row] = await shop.db.query<{ outcome: string }>(
        't.last',
        'select outcome from log.replays order by started_at desc limit 1',
      )
      expect(row!.outcome).to.equal('cancelled')
    })
  })
})
