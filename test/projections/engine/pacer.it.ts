import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { loadAll } from '#projections/engine/loads.ts'
import { LEAST_PACE } from '#projections/engine/pace.ts'
import { openPacer } from '#projections/engine/pacer.ts'
import type { Progress } from '#projections/engine/progress.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { beginReplay, replayById, tellReplay } from '#projections/engine/replays.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { notesView } from '#projections/notes.ts'
import { eventually } from '#test/kit/eventually.ts'
import { noteCreated } from '#test/kit/histories.ts'
import { byPosition } from '../replayed.ts'
import { type Workshop, workshop } from '../workshop.ts'

describe('a replay beside others', () => {
  let shop: Workshop
  beforeEach(async () => {
    shop = await workshop()
    const text = 'What was said here is worth remembering. '.repeat(100)
    await shop.record(...Array.from({ length: 3_000 }, (_, i) => noteCreated({ noteId: i + 1, text })))
    await setupViews([notesView], shop)
  })
  afterEach(() => shop.close())

  /** A consumer that moves and has not handled the first event of each partition. */
  const fallBehind = () =>
    shop.db.query(
      't.behind',
      `insert into log.checkpoints (consumer, topic, partition, pos, moved_at)
       select 'slow', $1, n, 0, now() + interval '1 hour' from generate_series(0, $2::int - 1) n`,
      [notesView.topic.name, notesView.topic.partitions],
    )
  const whileServing = async <T>(work: () => Promise<T>): Promise<T> => {
    const api = openDb(shop.url, { name: 'vidwiz api', max: 1 })
    let isOver = false
    // The replay looks around when it begins.
    await api.query('t.serve', 'select 1')
    const serving = (async () => {
      while (!isOver) {
        await api.query('t.serve', 'select 1')
        await sleep(5)
      }
    })()
    try {
      return await work()
    } finally {
      isOver = true
      await serving
      await api.close()
    }
  }
  const rebuilt = async (options: { fullSpeed?: boolean } = {}) => {
    const told: number[] = []
    const onProgress = ({ pace }: Progress) => told.push(pace)
    expect(await rebuild(notesView, { ...shop, ...options, onProgress })).to.include({ events: 3_000, rows: 3_000 })
    return told
  }

  it('works a fifth of the time while people are served and a consumer is late, and shows it', async () => {
    await fallBehind()
    const told = await whileServing(() => rebuilt())
    expect(Math.min(...told)).to.equal(LEAST_PACE)
    // Nothing is left to pause in once all is read.
    expect(told.at(-1)).to.equal(1)
  })

  it('builds each index in one process while people are served, otherwise in as many as Postgres likes', async () => {
    await shop.db.query('t.workers', 'create table public.workers (most text)')
    await shop.db.query(
      't.note',
      `create function public.note() returns event_trigger language plpgsql as
         $$ begin insert into public.workers values (current_setting('max_parallel_maintenance_workers')); end $$`,
    )
    await shop.db.query(
      't.trigger',
      `create event trigger note on ddl_command_end when tag in ('CREATE INDEX') execute function public.note()`,
    )
    const workers = async () => {
      const rows = await shop.db.query<{ most: string }>('t.seen', 'select distinct most from public.workers')
      await shop.db.query('t.forget', 'delete from public.workers')
      return rows.map((row) => row.most)
    }
    await fallBehind()
    await whileServing(() => rebuilt())
    expect(await workers()).to.deep.equal(['0'])
    await whileServing(() => rebuilt({ fullSpeed: true }))
    const [most, ...others] = await workers()
    expect(others).to.deep.equal([])
    expect(Number(most)).to.be.above(0)
  })

  it('may pause after each portion of events that it reads, and of rows that it writes', async () => {
    const steps: number[] = []
    const pauses = () => {
      const nth = steps.push(0) - 1
      return () => {
        steps[nth]!++
        return undefined
      }
    }
    const take = async (lines: Readable) => {
      for await (const _ of lines);
    }
    const load = { view: notesView, upTo: await shop.reader.heads(notesView.topic), take }
    const pacer = { pace: () => 1, pauses, stop: () => {} }
    expect(await loadAll({ reader: byPosition(shop.reader) }, [load], pacer)).to.deep.equal([undefined])
    const [reading, writing, ...others] = steps
    expect(reading).to.be.above(3)
    // 12 MB of rows.
    expect(writing).to.be.above(50)
    expect(others).to.deep.equal([])
  })

  it('may pause after each portion of events alone when their rows are written meanwhile', async function () {
    if (!shop.reader.historyByStream) this.skip()
    let steps = 0
    const pauses = () => () => {
      steps++
      return undefined
    }
    const take = async (lines: Readable) => {
      for await (const _ of lines);
    }
    const load = { view: notesView, upTo: await shop.reader.heads(notesView.topic), take }
    await loadAll({ reader: shop.reader }, [load], { pace: () => 1, pauses, stop: () => {} })
    expect(steps).to.be.above(3)
  })

  it('does not pause while nobody is served, nor when told to go at full speed', async () => {
    await fallBehind()
    expect(new Set(await rebuilt())).to.deep.equal(new Set([1]))
    expect(new Set(await whileServing(() => rebuilt({ fullSpeed: true })))).to.deep.equal(new Set([1]))
  })

  it('goes at full speed again soon after the last request', async () => {
    await fallBehind()
    const pacer = await openPacer(shop.db)
    try {
      await whileServing(() => eventually(() => expect(pacer.pace()).to.equal(LEAST_PACE)))
      const pause = pacer.pauses()
      const from = performance.now()
      while (performance.now() - from < 20);
      await pause()
      expect(performance.now() - from).to.be.above(20 / LEAST_PACE - 1)
      await eventually(() => expect(pacer.pace()).to.equal(1))
    } finally {
      pacer.stop()
    }
  })

  it('is seen by everybody with its pace', async () => {
    const id = randomUUID()
    await beginReplay(shop.db, { id, act: 'rebuild', view: 'notes', who: 'o' })
    expect((await replayById(shop.db, id))!.pace).to.equal(1)
    await tellReplay(shop.db, id, { phase: 'read', events: 1, total: 2, rate: 1, etaMs: 1, pace: 0.4 })
    expect((await replayById(shop.db, id))!.pace).to.equal(0.4)
  })
})
