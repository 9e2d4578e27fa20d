import { expect } from 'chai'
import type { Recorded } from '#events/kit/envelope.ts'
import { Fenced } from '#platform/log/port.ts'
import { applier } from '#projections/engine/apply.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import type { View } from '#projections/engine/view.ts'
import { notesView } from '#projections/notes.ts'
import { userVideosView } from '#projections/user-videos.ts'
import { noteCreated, noteDeleted, noteEdited } from '#test/kit/histories.ts'
import { type Workshop, workshop } from '../workshop.ts'

const all = Array.from({ length: notesView.topic.partitions }, (_, partition) => partition)
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('it did not fail'),
    (error) => error,
  )

describe('applying batches', () => {
  let shop: Workshop
  beforeEach(async () => {
    shop = await workshop()
    await setupViews([notesView, userVideosView], shop)
  })
  afterEach(() => shop.close())

  const owner = async (view: View = userVideosView) => {
    const own = applier(shop.db, liveOf(view))
    await own.resume(all)
    return own
  }
  const counted = async () => (await shop.rows(userVideosView)).map((row) => row.notes)
  const notes = (n: number, from = 1) => shop.record(...Array.from({ length: n }, (_, i) => noteCreated({ noteId: from + i })))

  it('moves the checkpoint together with the rows', async () => {
    const events = await notes(3)
    await (await owner()).handle(events)
    const positions = await applier(shop.db, liveOf(userVideosView)).resume(all)
    expect(positions.get(events[0]!.partition)).to.equal(3)
    expect(await counted()).to.deep.equal([3])
  })

  it('reads a row again that another owner wrote meanwhile, and none that it wrote itself', async () => {
    const [first, second] = [await owner(), await owner()]
    await first.resume(all)
    await first.handle(await notes(2))
    await second.resume(all)
    await second.handle(await notes(1, 3))
    await first.resume(all)
    await first.handle(await notes(1, 4))
    expect(await counted()).to.deep.equal([4])
    // Behind its back, as nobody does: it shows that it did not look.
    await shop.db.query('t.forged', 'update views.user_videos set notes = 100')
    await first.handle(await notes(1, 5))
    expect(await counted()).to.deep.equal([5])
  })

  it('leaves no trace of what is handed over again, also within one batch (P2)', async () => {
    const own = await owner()
    const events = await notes(4)
    await own.handle(events.slice(0, 2))
    await own.handle(events.slice(0, 2))
    await own.handle([...events.slice(1, 3), ...events.slice(0, 4), ...events])
    expect(await counted()).to.deep.equal([4])
  })

  it('writes a batch that is too large for one statement in several', async () => {
    const text = 'x'.repeat(17 * 2 ** 20)
    const own = await owner(notesView)
    await own.handle(await shop.record(...[1, 2, 3].map((noteId) => noteCreated({ noteId, text }))))
    const written = await shop.db.query(
      'writes',
      'select count(*) as rows, count(distinct xmin::text) as writes from views.notes',
    )
    expect(written).to.deep.equal([{ rows: 3, writes: 3 }])
  })

  describe('that are large', () => {
    const spread = (n: number) =>
      shop.record(
        ...Array.from({ length: n }, (_, i) =>
          noteCreated({ noteId: i + 1, videoId: `video${String(i % 40).padStart(6, '0')}` }),
        ),
      )
    const sum = async () => (await counted()).reduce((sum: number, notes) => sum + (notes as number), 0)

    it('writes them in two transactions side by side, each partition in one', async () => {
      const events = await spread(1_000)
      const own = await owner(notesView)
      await own.handle(events)
      const written = await shop.db.query(
        'writes',
        'select count(*) as rows, count(distinct xmin::text) as writes from views.notes',
      )
      expect(written).to.deep.equal([{ rows: 1_000, writes: 2 }])
      const last = new Map(events.map(({ partition, pos }) => [partition, pos]))
      expect(last.size).to.be.above(2)
      const positions = await own.resume(all)
      for (const [partition, pos] of last) expect(positions.get(partition)).to.equal(pos)
    })

    it('counts nothing twice when one of the two fails, whose events come again (P2)', async () => {
      const events = await spread(1_000)
      const own = await owner()
      // Another process takes one partition over.
      await applier(shop.db, liveOf(userVideosView)).resume([events[0]!.partition])
      expect(await failure(own.handle(events))).to.be.instanceOf(Fenced)
      const before = await sum()
      expect(before).to.be.above(0).and.below(1_000)
      await own.resume(all)
      await own.handle(events)
      expect(await sum()).to.equal(1_000)
    })

    it('parks what cannot be applied, also in both at once, and what waits behind it, and applies the rest', async () => {
      const events = await spread(1_000)
      const payloadOf = ({ data }: Recorded) => JSON.parse(data)
      // One that cannot be read, and two of different partitions that the database refuses.
      const [first, other] = [
        events[500]!,
        events.find(({ pos, partition }) => pos > 600 && partition !== events[500]!.partition)!,
      ]
      const refused = [first, other].map((event) => ({ ...event, data: JSON.stringify({ ...payloadOf(event), text: 'nul\0' }) }))
      const broken = [{ ...events[10]!, data: '{' }, ...refused]
      const more = await shop.record(noteEdited({ noteId: 11, videoId: 'video000010', text: 'behind' }))
      const own = await owner(notesView)
      await own.handle([...events.map((event) => broken.find(({ pos }) => pos === event.pos) ?? event), ...more])
      expect(await shop.rows(notesView)).to.have.length(997)
      const letters = await shop.db.query('t.letters', 'select pos, state from log.dead_letters order by pos')
      expect(letters).to.deep.equal([
        { pos: 11, state: 'failed' },
        { pos: 501, state: 'failed' },
        { pos: other.pos, state: 'failed' },
        { pos: 1_001, state: 'waiting' },
      ])
    })
  })

  it('leaves no trace of what is handed over again to the next owner', async () => {
    const events = await notes(4)
    await (await owner()).handle(events.slice(0, 3))
    await (await owner()).handle(events)
    expect(await counted()).to.deep.equal([4])
  })

  it('fences a former owner before it writes anything', async () => {
    const events = await notes(3)
    const former = await owner()
    await former.handle(events.slice(0, 1))
    const next = await owner()
    expect(await failure(former.handle(events.slice(1)))).to.be.instanceOf(Fenced)
    expect(await counted()).to.deep.equal([1])
    await next.handle(events)
    expect(await counted()).to.deep.equal([3])
  })

  it('lets one of two win who both believe to own, and nothing is counted twice', async () => {
    const events = await notes(40)
    const [a, b] = [await owner(), await owner()]
    const drive = async (own: typeof a, batch: Recorded[]) => {
      for (let tries = 0; tries < 500; tries++) {
        try {
          return await own.handle(batch)
        } catch (error) {
          expect(error).to.be.instanceOf(Fenced)
          await own.resume(all)
        }
      }
      expect.fail('never won')
    }
    for (let i = 0; i < 40; i += 4) await Promise.all([drive(a, events.slice(0, i + 4)), drive(b, events.slice(0, i + 4))])
    expect(await counted()).to.deep.equal([40])
  })

  it('gives up at once when somebody holds the checkpoint', async () => {
    const events = await notes(1)
    const own = await owner()
    await shop.db.tx(async (tx) => {
      await tx.query('select from log.checkpoints for update')
      expect(await failure(own.handle(events))).to.be.instanceOf(Fenced)
    })
    expect(await counted()).to.deep.equal([])
  })

  it('does not touch partitions that it does not own', async () => {
    const events = await notes(1)
    const own = applier(shop.db, liveOf(userVideosView))
    await own.resume(all.filter((partition) => partition !== events[0]!.partition))
    expect(await failure(own.handle(events))).to.be.instanceOf(Fenced)
  })

  it('reads a row back as evolve made it', async () => {
    const seen: unknown[] = []
    const see = (row: unknown) => {
      seen.push(row)
      return row as never
    }
    const watched = { ...notesView, evolve: (row: unknown, event: never) => notesView.evolve(see(row), event) }
    const own = applier(shop.db, liveOf(watched))
    await own.resume(all)
    const [created, ...edits] = await shop.record(
      noteCreated({ text: 'tab\t"\\\n😀' }),
      noteEdited({ generatedByAi: true }),
      noteDeleted(),
    )
    const made = notesView.evolve(undefined, { ...created, data: JSON.parse(created!.data) } as never)
    await own.handle([created!])
    await own.handle(edits.slice(0, 1))
    expect(seen).to.deep.equal([undefined, made])
  })
})
