import { expect } from 'chai'
import { applier } from '#projections/engine/apply.ts'
import { compare, isClean } from '#projections/engine/compare.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import { notesView } from '#projections/notes.ts'
import { noteCreated, noteEdited } from '#test/kit/histories.ts'
import { readingAfter } from '../replayed.ts'
import { type Workshop, workshop } from '../workshop.ts'

describe('comparing a view with its replay (P6)', () => {
  let shop: Workshop
  before(async () => {
    shop = await workshop()
    await shop.record(...Array.from({ length: 40 }, (_, i) => noteCreated({ noteId: i + 1 })))
    await setupViews([notesView], shop)
  })
  after(() => shop.close())

  it('is clean where they are alike, also while the view is behind the log', async () => {
    const more = await shop.record(noteCreated({ noteId: 41 }), noteEdited({ noteId: 1, text: 'later' }))
    expect(await compare(notesView, shop)).to.deep.include({ live: 40, replayed: 40, rows: [] })
    const own = applier(shop.db, liveOf(notesView))
    await own.resume(Array.from({ length: notesView.topic.partitions }, (_, partition) => partition))
    await own.handle(more.slice(0, 1))
    expect(isClean(await compare(notesView, shop))).to.equal(true)
    await own.handle(more)
    expect(isClean(await compare(notesView, shop))).to.equal(true)
  })

  it('is not misled by a rebuild that is swapped in meanwhile', async () => {
    let rebuilding: Promise<unknown> | undefined
    const reader = readingAfter(shop.reader, () => {
      rebuilding ??= rebuild(notesView, shop)
      return rebuilding
    })
    const comparison = await compare(notesView, { ...shop, reader })
    expect(await rebuilding).to.include({ rows: 41 })
    expect(comparison).to.deep.include({ live: 41, replayed: 41, rows: [] })
  })

  it('shows a row that was changed, one that was lost and one that was made up, both sides of each', async () => {
    await shop.db.query('change', `update views.notes set text = 'tampered' where note_id = 7`)
    await shop.db.query('lose', 'delete from views.notes where note_id = 8')
    await shop.db.query(
      'make up',
      `insert into views.notes select (jsonb_populate_record(n, '{"note_id":99}')).* from views.notes n where note_id = 9`,
    )
    const difference = await compare(notesView, shop)
    expect(difference).to.deep.include({ live: 41, replayed: 41, missing: 1, extra: 1, different: 1 })
    expect(difference.rows.map(({ id, live, replayed }) => [id, live?.text, replayed?.text])).to.deep.equal([
      ['7', 'tampered', 'mine'],
      ['8', undefined, 'mine'],
      ['99', 'mine', undefined],
    ])
    expect((await compare(notesView, { ...shop, limit: 1 })).rows).to.have.length(1)
  })
})
