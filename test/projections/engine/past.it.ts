import { expect } from 'chai'
import fc from 'fast-check'
import type { NewEvent } from '#events/kit/envelope.ts'
import { comparePast, dropPast, foldPast, rowsOfPast } from '#projections/engine/past.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { setupViews } from '#projections/engine/setup.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { notesView } from '#projections/notes.ts'
import { anyWishes, commandOf, noteCreated, noteDeleted, noteEdited } from '#test/kit/histories.ts'
import { world } from '#test/kit/world.ts'
import { replayed } from '../replayed.ts'
import { type Workshop, workshop } from '../workshop.ts'

const anyHistory: fc.Arbitrary<NewEvent[]> = anyWishes.map((wishes) => {
  const people = world()
  for (const wish of wishes) people.execute(commandOf(wish))
  return people.log.map(({ type, schema, topic, key, stream, data }) => ({
    type,
    schema,
    topic,
    key,
    stream,
    data: JSON.parse(data),
  }))
})

/** What a replay of the events up to a position gives, by the pure fold alone. */
async function replayedTo(shop: Workshop, view: View, pos: number): Promise<Map<string, unknown>> {
  const rows = new Map<string, unknown>()
  const upTo = new Map([...(await shop.reader.heads(view.topic))].map(([partition, head]) => [partition, Math.min(head, pos)]))
  for (const portion of await replayed(shop.reader, view, { upTo }))
    for (const row of portion) rows.set(String(row[view.key]), JSON.parse(JSON.stringify(row)))
  return rows
}

/** A moment is told in the zone of the connection. */
const sameMoment = (row: Record<string, unknown>, view: View) =>
  Object.fromEntries(
    Object.entries(row).map(([column, value]) =>
      view.columns[column]!.startsWith('timestamptz') && value !== null
        ? [column, new Date(value as string).toISOString()]
        : [column, value],
    ),
  )

describe('a view as it was', () => {
  it('has the very rows that a replay to that position gives, whatever happened before and after (P6)', () =>
    fc.assert(
      fc.asyncProperty(anyHistory, fc.double({ min: 0, max: 1, noNaN: true }), async (history, share) => {
        const shop = await workshop()
        try {
          await setupViews(views, shop)
          await shop.record(...history)
          const pos = Math.round(history.length * share)
          for (const view of views) {
            const { rows } = await foldPast(view, { ...shop, id: 'a', pos })
            const kept = await rowsOfPast(shop.db, view, 'a', { limit: 10_000 })
            const expected = await replayedTo(shop, view, pos)
            expect(rows).to.equal(expected.size)
            expect(new Map(kept.map((row) => [String(row[view.key]), sameMoment(row, view)]))).to.deep.equal(
              new Map([...expected].map(([id, row]) => [id, sameMoment(row as Record<string, unknown>, view)])),
            )
          }
        } finally {
          await shop.close()
        }
      }),
      { numRuns: 6, endOnFailure: true },
    )).timeout(120_000)

  describe('of notes', () => {
    let shop: Workshop
    before(async () => {
      shop = await workshop()
      await shop.record(noteCreated({ noteId: 1 }), noteCreated({ noteId: 2, text: 'second' }), noteCreated({ noteId: 3 }))
      await shop.record(noteEdited({ noteId: 1, text: 'later' }), noteDeleted({ noteId: 2 }), noteCreated({ noteId: 4 }))
      await setupViews([notesView], shop)
      await foldPast(notesView, { ...shop, id: 'b', pos: 3 })
    })
    after(() => shop.close())

    it('is asked by the values of columns, which are no SQL', async () => {
      const ids = async (where: Record<string, string>) =>
        (await rowsOfPast(shop.db, notesView, 'b', { where, limit: 10 })).map((row) => row.note_id)
      expect(await ids({})).to.deep.equal([1, 2, 3])
      expect(await ids({ text: 'second' })).to.deep.equal([2])
      expect(await ids({ text: `' or true --` })).to.deep.equal([])
      let refused: unknown
      await ids({ '1=1 or note_id': '1' }).catch((error) => {
        refused = error
      })
      expect(String(refused)).to.match(/notes has no column 1=1 or note_id/)
    })

    it('is compared with now: what was added, changed and removed since', async () => {
      const { missing, extra, different, rows } = await comparePast(shop.db, notesView, 'b')
      expect({ missing, extra, different }).to.deep.equal({ missing: 1, extra: 1, different: 1 })
      expect(rows.map(({ id, live, replayed }) => [id, live?.text, replayed?.text])).to.deep.equal([
        ['1', 'later', 'mine'],
        ['2', undefined, 'second'],
        ['4', 'mine', undefined],
      ])
    })

    it('leaves the live view alone, and a rebuild leaves it alone', async () => {
      await rebuild(notesView, shop)
      expect(await rowsOfPast(shop.db, notesView, 'b', { limit: 10 })).to.have.length(3)
      expect((await shop.rows(notesView)).length).to.equal(3)
    })

    it('is dropped, and leaves nothing', async () => {
      await dropPast(shop.db, 'notes', 'b')
      const left = await shop.db.query('left', `select 1 from pg_tables where schemaname = 'views' and tablename like 'notes~%'`)
      expect(left).to.deep.equal([])
    })
  })
})
