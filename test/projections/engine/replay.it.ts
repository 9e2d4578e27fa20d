import { expect } from 'chai'
import fc from 'fast-check'
import type { NewEvent, Recorded } from '#events/kit/envelope.ts'
import { noteStream } from '#events/note.ts'
import { letters } from '#platform/log/consumers/letters.ts'
import type { HistoryQuery, Positions, TakeHistory } from '#platform/log/port.ts'
import { applier } from '#projections/engine/apply.ts'
import { compare, isClean } from '#projections/engine/compare.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { notesView } from '#projections/notes.ts'
import { userVideosView } from '#projections/user-videos.ts'
import {
  anyText,
  anyWishes,
  commandOf,
  messageSent,
  noteCreated,
  noteDeleted,
  noteEdited,
  replyCompleted,
} from '#test/kit/histories.ts'
import { world } from '#test/kit/world.ts'
import { byPosition, replayed } from '../replayed.ts'
import { type Workshop, workshop } from '../workshop.ts'

/** What people did, and texts that no person types: some of them no database takes. */
const anyHistory: fc.Arbitrary<NewEvent[]> = fc
  .tuple(anyWishes, fc.array(fc.record({ noteId: fc.integer({ min: 90, max: 93 }), text: anyText }), { maxLength: 12 }))
  .map(([wishes, texts]) => {
    const people = world()
    for (const wish of wishes) people.execute(commandOf(wish))
    const decided = people.log.map((event) => ({ ...event, data: JSON.parse(event.data) }))
    const known = new Set<number>()
    const odd = texts.map(({ noteId, text }) => {
      const event = known.has(noteId) ? noteEdited({ noteId, text }) : noteCreated({ noteId, text })
      known.add(noteId)
      return event
    })
    // In every history a row goes, of each view that lets go of rows.
    const gone = [
      noteCreated({ noteId: 80 }),
      noteDeleted({ noteId: 80 }),
      messageSent({ conversationId: 70, messageId: 70 }),
      replyCompleted({ conversationId: 70, messageId: 71, replyTo: 70 }),
    ]
    return [...decided, ...odd, ...gone].map(({ type, schema, topic, key, stream, data }) => ({
      type,
      schema,
      topic,
      key,
      stream,
      data,
    }))
  })

/** How a log may hand events over: in batches of any size, some of them again. */
const anyDelivery = fc.array(fc.record({ size: fc.integer({ min: 1, max: 40 }), again: fc.integer({ min: 0, max: 30 }) }), {
  minLength: 1,
  maxLength: 20,
})
type Delivery = { size: number; again: number }[]

async function deliver(shop: Workshop, view: View, events: Recorded[], delivery: Delivery, worthTwo: number) {
  const own = applier(shop.db, liveOf(view), { worthTwo })
  await own.resume(Array.from({ length: view.topic.partitions }, (_, partition) => partition))
  const ours = events.filter((event) => event.topic === view.topic.name)
  for (let i = 0, turn = 0; i < ours.length; turn++) {
    const { size, again } = delivery[turn % delivery.length]!
    await own.handle(ours.slice(Math.max(0, i - again), i + size))
    i += size
  }
}

describe('a replay', () => {
  it('lets go of the rows that live consumption let go of (P6)', async () => {
    const shop = await workshop()
    try {
      await shop.record(noteCreated({ noteId: 1 }), noteCreated({ noteId: 2 }), noteDeleted({ noteId: 1 }))
      const left = (await replayed(shop.reader, notesView)).flat().map((row) => row.note_id)
      expect(left).to.deep.equal([2])
    } finally {
      await shop.close()
    }
  })

  it('folds once what its log hands over twice (P2)', async () => {
    const shop = await workshop()
    try {
      await shop.record(noteCreated({ noteId: 1 }), noteCreated({ noteId: 2 }))
      const twice = {
        ...shop.reader,
        history: (query: HistoryQuery, take: TakeHistory) =>
          shop.reader.history(query, (events) => take(events.flatMap((event) => [event, event]))),
      }
      const counts = (await replayed(twice, userVideosView)).flat().map((row) => row.notes)
      expect(counts).to.deep.equal([2])
    } finally {
      await shop.close()
    }
  })

  it('gives the very rows that live consumption gave, whatever the batches and whatever came twice (P2, P6)', () =>
    fc.assert(
      fc.asyncProperty(anyHistory, anyDelivery, fc.constantFrom(2, 500), async (history, delivery, worthTwo) => {
        const shop = await workshop()
        try {
          await setupViews(views, shop)
          const events = await shop.record(...history)
          for (const view of views) {
            await deliver(shop, view, events, delivery, worthTwo)
            const rows = await shop.rows(view)
            const parked = (await letters(shop.db)).length
            const comparison = await compare(view, shop)
            expect(comparison).to.deep.include({ live: rows.length, replayed: rows.length })
            expect(isClean(comparison)).to.equal(true)
            const rebuilt = await rebuild(view, shop)
            if (rebuilt!.redriven === 0) {
              expect(await shop.rows(view)).to.deep.equal(rows)
              expect((await letters(shop.db)).length).to.equal(parked)
            }
            expect(isClean(await compare(view, shop))).to.equal(true)
          }
        } finally {
          await shop.close()
        }
      }),
      { numRuns: 8, endOnFailure: true },
    )).timeout(120_000)

  describe('with little memory', () => {
    let shop: Workshop
    before(async () => {
      shop = await workshop()
      await shop.record(
        ...Array.from({ length: 300 }, (_, i) => noteCreated({ noteId: i + 1, text: 'x'.repeat(100) })),
        ...Array.from({ length: 300 }, (_, i) => noteEdited({ noteId: i + 1, text: `edited ${i + 1}` })),
      )
    })
    after(() => shop.close())

    const rowsWithin = async (budgetBytes: number, upTo?: Positions) => {
      const passes = await replayed(byPosition(shop.reader), notesView, { budgetBytes, ...(upTo && { upTo }) })
      const texts = new Map(passes.flat().map((row) => [row.note_id as number, row.text]))
      return { portions: passes.map((rows) => rows.length), texts }
    }

    it('folds every row exactly once, in portions that fit', async () => {
      const { portions, texts } = await rowsWithin(40_000)
      expect(portions.length).to.be.greaterThan(3)
      expect(Math.max(...portions)).to.be.lessThan(200)
      expect(portions.reduce((sum, rows) => sum + rows, 0)).to.equal(300)
      for (let i = 1; i <= 300; i++) expect(texts.get(i)).to.equal(`edited ${i}`)
    })

    it('does not split for ever what is one row', async () => {
      const [partition] = await shop.reader.heads(notesView.topic)
      const { portions } = await rowsWithin(1, new Map([partition!]))
      const { portions: all } = await rowsWithin(1_000_000, new Map([partition!]))
      expect(portions.filter((rows) => rows > 0)).to.deep.equal(Array.from({ length: all[0]! }, () => 1))
    })
  })

  it('names the event it stops at', async () => {
    const shop = await workshop()
    try {
      await shop.record(noteCreated(), { ...noteEdited(), data: { noteId: 1 } })
      const error = await rebuild(notesView, shop).catch((caught) => caught)
      expect(error.message).to.match(
        new RegExp(`^view notes cannot apply NoteEdited \\(${noteStream.of(1)}@2, position 2\\): .*BROKEN_PAYLOAD|videoId`),
      )
    } finally {
      await shop.close()
    }
  })
})
