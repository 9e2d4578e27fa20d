import { expect } from 'chai'
import { catalog } from '#events/catalog.ts'
import { letters } from '#platform/log/consumers/letters.ts'
import { openOwner } from '#platform/log/consumers/owners.ts'
import { registerTypes } from '#platform/log/newer-code.ts'
import { NewerCode } from '#platform/log/port.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { applier } from '#projections/engine/apply.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import type { View } from '#projections/engine/view.ts'
import { userVideosView } from '#projections/user-videos.ts'
import { eventually } from '#test/kit/eventually.ts'
import { noteCreated, noteDeleted, notePinned } from '#test/kit/histories.ts'
import { testReader } from '#test/kit/log.ts'
import { asOlder, olderCatalog } from '#test/kit/two-versions.ts'
import { type Workshop, workshop } from '../workshop.ts'

const older = asOlder(userVideosView)
const newer: View = userVideosView
const all = Array.from({ length: newer.topic.partitions }, (_, partition) => partition)
/** A consumer group of Kafka takes a while to settle. */
const SOON = { withinMs: 30_000 }

describe('a view and an event of newer code', function () {
  this.timeout(90_000)
  let shop: Workshop
  const stops: (() => Promise<void>)[] = []
  beforeEach(async () => {
    shop = await workshop()
    await setupViews([newer], shop)
    await registerTypes(shop.db, olderCatalog)
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
    await shop.close()
  })

  /** Each version is a process of its own, with connections of its own. */
  async function projecting(view: View) {
    const db = openDb(shop.url)
    const listener = openListener(shop.url)
    const reader = await testReader(shop.url, db, listener)
    const owner = openOwner({ db, listener, service: 'projector', everyMs: 100 })
    const errors: unknown[] = []
    const projector = startProjector({ db, reader, views: [view], owner, onError: (_, error) => errors.push(error) })
    stops.push(async () => {
      await projector.stop()
      await owner.close()
      await reader.close()
      await listener.close()
      await db.close()
    })
    const paused = async () => {
      const [row] = await db.query<{ paused: string }>('t.paused', 'select paused from log.owners where id = $1', [owner.id])
      return JSON.parse(row?.paused ?? '{}')[`${view.name} ${view.topic.name}`]
    }
    return { errors, paused }
  }
  async function applying(view: View) {
    const own = applier(shop.db, liveOf(view))
    await own.resume(all)
    return own
  }
  const counted = async () => (await shop.rows(newer)).map((row) => row.notes)
  const parked = async () => (await letters(shop.db)).map(({ stream, state }) => [stream, state])
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => expect.fail('it did not fail'),
      (error) => error,
    )

  it('leaves it to a process of newer code and says so, parks nothing, and is kept up to date there', async () => {
    const old = await projecting(older)
    await shop.record(noteCreated())
    await eventually(async () => expect(await counted()).to.deep.equal([1]), SOON)
    await registerTypes(shop.db, catalog)
    await shop.record(notePinned(), noteCreated({ noteId: 2 }))
    await eventually(
      async () => expect(await old.paused()).to.deep.include({ isLeft: true, cause: (old.errors[0] as Error).message }),
      SOON,
    )
    expect(String(old.errors[0])).to.equal(
      'NewerCode: note-1@2: no event is called NotePinned. Newer code knows it, so this process leaves user-videos to newer code',
    )
    const next = await projecting(newer)
    await eventually(async () => expect(await counted()).to.deep.equal([2]), SOON)
    for (let noteId = 3; noteId <= 5; noteId++) {
      await shop.record(noteCreated({ noteId }), notePinned({ noteId }))
      await eventually(async () => expect(await counted()).to.deep.equal([noteId]), SOON)
    }
    expect(await parked()).to.deep.equal([])
    expect(next.errors).to.deep.equal([])
    expect(old.errors.every((error) => error instanceof NewerCode)).to.equal(true)
    // It stands back for a while each time, so that another process gets it.
    expect(old.errors.length).to.be.lessThan(10)
  })

  it('applies what comes before it, and no event after it', async () => {
    await registerTypes(shop.db, catalog)
    const own = await applying(older)
    const events = await shop.record(noteCreated(), noteCreated({ noteId: 2 }), notePinned(), noteCreated({ noteId: 3 }))
    expect(await failure(own.handle(events))).to.be.instanceOf(NewerCode)
    expect(await counted()).to.deep.equal([2])
    await (await applying(newer)).handle(events)
    expect(await counted()).to.deep.equal([3])
    expect(await parked()).to.deep.equal([])
  })

  it('leaves a higher schema version of a type to newer code as well', async () => {
    const { topic, type, schema } = notePinned()
    const pinned = newer.catalog.get(type)!
    await registerTypes(shop.db, new Map([[type, Object.assign(pinned.bind(null), pinned, { schema: schema + 1 })]]))
    const events = await shop.record(noteCreated(), { ...notePinned(), topic, schema: schema + 1 })
    expect(String(await failure((await applying(newer)).handle(events)))).to.match(
      /^NewerCode: .* has schema version 2, newest known is 1/,
    )
    expect(await parked()).to.deep.equal([])
  })

  it('parks an event that no code knows, also beside newer code, and one whose type belongs to another topic (P8)', async () => {
    await registerTypes(shop.db, catalog)
    const events = await shop.record(
      noteCreated(),
      { ...noteCreated({ noteId: 2 }), type: 'NoteSung' },
      { ...noteCreated({ noteId: 3 }), type: 'VideoAdded' },
      { ...noteCreated({ noteId: 4 }), schema: 2 },
      noteCreated({ noteId: 5 }),
    )
    await (await applying(older)).handle(events)
    expect(await counted()).to.deep.equal([2])
    expect(await parked()).to.deep.equal([
      ['note-2', 'failed'],
      ['note-3', 'failed'],
      ['note-4', 'failed'],
    ])
  })

  it('keeps it in its place behind an earlier event of its stream that is parked (P8)', async () => {
    await registerTypes(shop.db, catalog)
    const own = await applying(older)
    await own.handle(await shop.record({ ...noteCreated(), type: 'NoteSung' }))
    await own.handle(await shop.record(notePinned(), noteDeleted(), noteCreated({ noteId: 2 })))
    expect(await counted()).to.deep.equal([1])
    expect(await parked()).to.deep.equal([
      ['note-1', 'failed'],
      ['note-1', 'waiting'],
      ['note-1', 'waiting'],
    ])
  })
})
