import { expect } from 'chai'
import fc from 'fast-check'
import type { Recorded } from '#events/kit/envelope.ts'
import { NoteCreated, NoteEdited } from '#events/note.ts'
import { linesOf } from '#services/operations/story/print.ts'
import { type Root, treeOf, walk } from '#services/operations/story/tree.ts'
import { type Happening, history } from './history.ts'

const VIDEO = 'dQw4w9WgXcQ'
const taken = (noteId: number, text: string | null = null) =>
  NoteCreated({ noteId, videoId: VIDEO, userId: 1, timestamp: '0:43', text })
const edited = (noteId: number, text: string) => NoteEdited({ noteId, videoId: VIDEO, userId: 1, text })
const lines = (events: readonly Recorded[]) => linesOf(treeOf(events)).map((line) => line.slice(26))
const times = (events: readonly Recorded[]) => linesOf(treeOf(events)).map((line) => line.slice(0, 24).trim())

describe('the tree of what caused what', () => {
  it('has each event below what caused it, with the time since', () => {
    const { events } = history(
      [taken(1)],
      [edited(1, 'a'), { by: 1, afterMs: 12, actor: 'ai-notes' }],
      [taken(2, 'x'), { by: 1, afterMs: 3_400 }],
      [edited(1, 'b'), { by: 2, afterMs: 1 }],
    )
    expect(lines(events.toReversed())).to.deep.equal([
      'request r-1 by user-1',
      '  NoteCreated  note-1  at 0:43, empty',
      '    NoteEdited  note-1  "a"  (by ai-notes)',
      '      NoteEdited  note-1  "b"',
      '    NoteCreated  note-2  at 0:43, "x"',
    ])
    expect(times(events)).to.deep.equal(['', '2026-01-01T00:00:00.000Z', '+12 ms', '+3.4 s', '+3.4 s'])
  })

  it('has a root for each request, and names another request where an event goes back to that', () => {
    const { events } = history(
      [taken(1), { request: 'one' }],
      [taken(2), { request: 'two', actor: 'user-2' }],
      [edited(2, 'a'), { request: 'two', by: 1 }],
      [taken(3), { request: null, actor: 'cli' }],
    )
    expect(lines(events)).to.deep.equal([
      'request one by user-1',
      '  NoteCreated  note-1  at 0:43, empty',
      '    NoteEdited  note-2  "a"  (of request two)',
      'request two by user-2',
      '  NoteCreated  note-2  at 0:43, empty',
      'not caused by a request by cli',
      '  NoteCreated  note-3  at 0:43, empty',
    ])
  })

  it('says of an event whose cause is missing which one that is', () => {
    const { events } = history([taken(1)], [edited(1, 'a'), { by: 1, actor: 'ai-notes' }])
    expect(lines(events.slice(1))).to.deep.equal([
      'request r-1',
      `  NoteEdited  note-1  "a"  (by ai-notes, caused by event ${events[0]!.id}, which is not in the database)`,
    ])
  })

  it('tells each event once and below its cause, whatever causes are named', () => {
    const anyHistory = fc.array(
      fc.record({ by: fc.option(fc.nat(30), { nil: undefined }), request: fc.constantFrom('a', 'b', null) }),
      {
        maxLength: 30,
      },
    )
    fc.assert(
      fc.property(anyHistory, (drawn) => {
        const { events } = history(...drawn.map(({ request }, n): Happening => [taken(n + 1), { request }]))
        // Also itself, and what comes later: a worker's word is not checked.
        for (const [n, { by }] of drawn.entries()) if (by !== undefined) events[n]!.causationId = events[by % events.length]!.id
        const all = treeOf(events).flatMap(({ hops }: Root) => [...walk(hops)])
        expect(all.map(({ hop }) => hop.event.pos).sort((a, b) => a - b)).to.deep.equal(events.map(({ pos }) => pos))
        for (const { hop } of all) for (const child of hop.children) expect(child.event.causationId).to.equal(hop.event.id)
      }),
    )
  })

  it('bears a chain of causes of any length', () => {
    const { events } = history(
      [taken(1)],
      ...Array.from({ length: 20_000 }, (_, n): Happening => [edited(1, `${n}`), { by: n + 1 }]),
    )
    expect(lines(events)).to.have.length(20_002)
  })
})
