import { expect } from 'chai'
import { letters } from '#platform/log/consumers/letters.ts'
import { openOwner } from '#platform/log/consumers/owners.ts'
import { openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import type { Unfit } from '#projections/engine/fit.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { redrive } from '#projections/engine/redrive.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveVersion } from '#projections/engine/versions.ts'
import type { View } from '#projections/engine/view.ts'
import { type NoteRow, notesView } from '#projections/notes.ts'
import { eventually } from '#test/kit/eventually.ts'
import { noteCreated } from '#test/kit/histories.ts'
import { type Workshop, workshop } from '../workshop.ts'

/** The view of the code before, and of the code after: the newer one has a column more. */
const older: View = notesView
const newer: View = {
  ...notesView,
  version: notesView.version + 1,
  columns: { ...notesView.columns, colour: 'text not null' },
  evolve: (row: NoteRow | undefined, event: never) => {
    const after = notesView.evolve(row, event)
    return typeof after === 'object' ? ({ ...after, colour: 'blue' } as NoteRow) : after
  },
}
/** Its columns were changed, its version was not. */
const careless: View = { ...newer, version: notesView.version }

describe('a view of two versions of the code', () => {
  let shop: Workshop
  const stops: (() => Promise<void>)[] = []
  beforeEach(async () => {
    shop = await workshop()
  })
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
    await shop.close()
  })

  function projecting(view: View) {
    const stoodBy: Unfit[] = []
    const errors: unknown[] = []
    const { reader } = shop
    // Each version is a process of its own, with connections of its own: on one connection a name stands for one statement.
    const db = openDb(shop.url)
    let looks = 0
    const counting: Db = {
      ...db,
      query(name, ...statement) {
        if (name === 'views.fit') looks++
        return db.query(name, ...statement)
      },
    }
    const projector = startProjector({
      db: counting,
      reader,
      views: [view],
      onStandBy: (_, why) => stoodBy.push(why),
      onError: (_, error) => errors.push(error),
    })
    stops.push(async () => {
      await projector.stop()
      await db.close()
    })
    return { ...projector, stoodBy, errors, looks: () => looks }
  }
  const ids = async () => (await shop.rows(notesView)).map((row) => row.note_id)
  const columns = async () => Object.keys((await shop.rows(notesView))[0] ?? {})
  const live = () => liveVersion(shop.db, notesView)

  it('is not taken back by older code that starts: it stands by, says why once, and leaves the work to the newer', async () => {
    await setupViews([newer], shop)
    await shop.record(noteCreated())
    const ours = projecting(newer)
    await eventually(async () => expect(await ids()).to.deep.equal([1]))
    expect(await setupViews([older], shop)).to.deep.equal([])
    const old = projecting(older)
    await eventually(() => expect(old.standsBy()).to.have.length(1))
    for (let id = 2; id <= 4; id++) {
      await shop.record(noteCreated({ noteId: id }))
      await eventually(async () => expect(await ids()).to.have.length(id))
    }
    const looks = old.looks()
    await eventually(() => expect(old.looks()).to.be.greaterThan(looks + 2), { withinMs: 10_000 })
    expect(await live()).to.equal(newer.version)
    expect(await columns()).to.include('colour')
    expect(old.stoodBy.map(({ misfit, message }) => [misfit, message])).to.deep.equal([
      ['live is newer', `view notes is live in version ${newer.version}; this process knows version ${older.version}`],
    ])
    expect([...old.errors, ...ours.errors]).to.deep.equal([])
  })

  it('is left by older code when newer code rebuilds it, and followed again when it is taken back in words', async () => {
    await setupViews([older], shop)
    const old = projecting(older)
    await shop.record(noteCreated())
    await eventually(async () => expect(await ids()).to.deep.equal([1]))
    await rebuild(newer, shop)
    await eventually(() => expect(old.standsBy().map(({ misfit }) => misfit)).to.deep.equal(['live is newer']))
    const next = projecting(newer)
    await shop.record(noteCreated({ noteId: 2 }))
    await eventually(async () => expect(await ids()).to.deep.equal([1, 2]))

    await rebuild(older, { ...shop, downTo: older.version })
    await eventually(() => expect(next.standsBy().map(({ misfit }) => misfit)).to.deep.equal(['live is older']))
    await shop.record(noteCreated({ noteId: 3 }))
    await eventually(async () => expect(await ids()).to.deep.equal([1, 2, 3]))
    expect(old.standsBy()).to.deep.equal([])
    expect(await columns()).to.not.include('colour')
  })

  it('is not counted on by others while older code leaves it alone, and again as soon as that fits', async () => {
    await setupViews([newer], shop)
    const listener = openListener(shop.url, { name: 'older code' })
    const owner = openOwner({ db: shop.db, listener, service: 'projector', everyMs: 3_600_000 })
    const { stop } = startProjector({ ...shop, views: [older], owner })
    stops.push(async () => {
      await stop()
      await owner.close()
      await listener.close()
    })
    const isLeft = async () => {
      const [row] = await shop.db.query<{ paused: string }>('t.paused', 'select paused from log.owners where id = $1', [owner.id])
      return JSON.parse(row?.paused ?? '{}')['notes vidwiz.notes']?.isLeft ?? false
    }
    await eventually(async () => expect(await isLeft()).to.equal(true))
    await rebuild(older, { ...shop, downTo: older.version })
    await eventually(async () => expect(await isLeft()).to.equal(false))
  })

  it('is left alone with one line by the code that followed it, not as a pause after an error', async () => {
    await setupViews([older], shop)
    const listener = openListener(shop.url, { name: 'older code' })
    const [paused, standsBy]: [unknown[], unknown[]] = [[], []]
    const spell = () => ({ failed: (error: unknown) => paused.push(error), resumed() {}, worked() {}, left() {} })
    const owner = openOwner({ db: shop.db, listener, service: 'projector', spell })
    const { stop } = startProjector({ ...shop, views: [older], owner, onStandBy: (_, why) => standsBy.push(why) })
    stops.push(async () => {
      await stop()
      await owner.close()
      await listener.close()
    })
    await shop.record(noteCreated({ noteId: 1 }))
    await eventually(async () => expect(await ids()).to.deep.equal([1]))
    await setupViews([newer], shop)
    await shop.record(noteCreated({ noteId: 2 }))
    await eventually(() => expect(standsBy).to.have.length(1))
    expect(paused).to.deep.equal([])
  })

  it('is not rebuilt by older code, unless the version to go down to is said', async () => {
    await setupViews([newer], shop)
    const refused = await rebuild(older, shop).catch((error) => error)
    expect(String(refused)).to.equal(
      `OlderCode: view notes is live in version ${newer.version}; this code knows version ${older.version} and would replace it by an older one. ` +
        `Rebuild with the newer code, or first stop all processes of the newer code, then add --down-to ${older.version}`,
    )
    expect(String(await rebuild(older, { ...shop, downTo: newer.version }).catch((error) => error))).to.match(/OlderCode/)
    expect(await live()).to.equal(newer.version)
    expect(await rebuild(older, { ...shop, downTo: older.version })).to.include({ parked: 0 })
    expect(await live()).to.equal(older.version)
  })

  it('whose columns were changed without a new version is told in words, and followed once it is built again', async () => {
    await setupViews([older], shop)
    await setupViews([careless], shop)
    const one = projecting(careless)
    await eventually(() => expect(one.standsBy()).to.have.length(1))
    expect(one.standsBy()[0]).to.include({ view: 'notes', misfit: 'other columns' })
    expect(one.standsBy()[0]!.message).to.match(/column colour is missing\. .*without a new version/)
    await shop.record(noteCreated())
    await rebuild(careless, shop)
    await shop.record(noteCreated({ noteId: 2 }))
    await eventually(async () => expect(await ids()).to.deep.equal([1, 2]))
    expect(one.standsBy()).to.deep.equal([])
    expect(one.errors).to.deep.equal([])
  })

  for (const [what, change, said] of [
    ['another type', 'alter table views.notes alter timestamp type varchar', /column timestamp is character varying, not text/],
    [
      'a required column more',
      `alter table views.notes add more int not null default 1; alter table views.notes alter more drop default`,
      /column more is required and this process does not write/,
    ],
    ['no table', 'drop table views.notes', /^the table of view notes is gone/],
  ] as const)
    it(`whose live table has ${what} is told in words while it is followed`, async () => {
      await setupViews([older], shop)
      const one = projecting(older)
      await shop.record(noteCreated())
      await eventually(async () => expect(await ids()).to.deep.equal([1]))
      await shop.db.connection((client) => client.query(change))
      await eventually(() =>
        expect(
          one
            .standsBy()
            .map(({ message }) => message)
            .join(),
        ).to.match(said),
      )
    })

  it('of newer code is not touched by a redrive of older code: what is parked stays parked', async () => {
    const fragile: View = {
      ...newer,
      evolve() {
        throw new Error('not yet')
      },
    }
    await setupViews([fragile], shop)
    projecting(fragile)
    await shop.record(noteCreated())
    await eventually(async () => expect(await letters(shop.db)).to.have.length(1))
    const refused = await redrive(shop.db, older, 'note-1').catch((error) => error)
    expect(String(refused)).to.match(/Unfit: view notes is live in version/)
    expect(await letters(shop.db)).to.have.length(1)
    expect(await ids()).to.deep.equal([])
  })
})
