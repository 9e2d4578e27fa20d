import { expect } from 'chai'
import type { NewEvent } from '#events/kit/envelope.ts'
import { fold, readFor } from '#projections/engine/fold.ts'
import { notesView } from '#projections/notes.ts'
import { noteCreated, noteDeleted, noteEdited } from '#test/kit/histories.ts'
import { recordedAs } from '#test/kit/world.ts'

const broken: NewEvent = { ...noteEdited(), data: { noteId: 'seven' } }
const unknown: NewEvent = { ...noteEdited(), type: 'NoteSung' }

const folding = (events: NewEvent[], { rows = new Map(), stuck = [] as string[] } = {}) => {
  const readings = events.map((event, i) => readFor(notesView, recordedAs(event, { pos: i + 1, version: i + 1 })))
  const { changed, parked } = fold(notesView, rows, readings, ({ stream }) => stuck.includes(stream))
  return { changed, parked: parked.map(({ recorded, state, cause }) => [recorded.pos, state, cause]) }
}

describe('folding a batch', () => {
  it('starts from the rows that are there, and reports only those that changed', () => {
    const { changed: before } = folding([noteCreated(), noteCreated({ noteId: 2 })])
    const { changed } = folding([noteEdited({ noteId: 2, text: 'new' })], { rows: before })
    expect([...changed.keys()]).to.deep.equal([2])
    expect(changed.get(2)).to.deep.include({ text: 'new', timestamp: '1:23' })
  })

  it('reports a row that is gone as gone', () =>
    expect([...folding([noteCreated(), noteDeleted()]).changed]).to.deep.equal([[1, undefined]]))

  for (const [what, event, cause] of [
    ['a broken payload', broken, 'BROKEN_PAYLOAD'],
    ['an unknown type', unknown, 'UNKNOWN_TYPE'],
  ] as const)
    it(`parks ${what} with what follows in its stream, and nothing else`, () => {
      expect(readFor(notesView, recordedAs(event)).cause?.error).to.equal(`EventError ${cause}`)
      const { changed, parked } = folding([
        noteCreated(),
        noteCreated({ noteId: 2 }),
        event,
        noteEdited({ text: 'late' }),
        noteDeleted({ noteId: 2 }),
      ])
      expect(parked.map(([pos, state]) => [pos, state])).to.deep.equal([
        [3, 'failed'],
        [4, 'waiting'],
      ])
      expect(changed.get(1)).to.deep.include({ text: 'mine' })
      expect(changed.get(2)).to.equal(undefined)
    })

  it('parks an event that evolve throws on, with what it said', () => {
    const angry = {
      ...notesView,
      evolve: () => {
        throw new Error('no, thank you')
      },
    }
    const { parked } = fold(angry, new Map(), [readFor(angry, recordedAs(noteCreated()))], () => false)
    expect(parked[0]).to.deep.include({ state: 'failed', cause: 'no, thank you' })
  })

  it('lets the events of a stuck stream wait', () =>
    expect(folding([noteCreated(), noteCreated({ noteId: 2 })], { stuck: ['note-1'] }).parked).to.deep.equal([
      [1, 'waiting', null],
    ]))
})
