import { expect } from 'chai'
import { catalogOf, decode, EventError } from '#events/kit/codec.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { NoteCreated } from '#events/note.ts'
import { explain } from '#services/api/errors.ts'
import { noteCreated, notePinned } from '#test/kit/histories.ts'
import { recordedAs } from '#test/kit/world.ts'

/** What a client of older code gets when a command meets this event. */
function answer(recorded: Recorded) {
  try {
    decode(catalogOf([NoteCreated]), recorded)
  } catch (error) {
    expect(error).to.be.instanceOf(EventError)
    const explained = explain(error)
    return explained && [explained.status, explained.headers]
  }
  return expect.fail('it was read')
}

describe('the answer to a command', () => {
  for (const [what, recorded] of [
    ['type', recordedAs(notePinned())],
    ['schema version', { ...recordedAs(noteCreated()), schema: 2 }],
  ] as const)
    it(`that meets an event of a ${what} that only newer code knows says to try again, for a process of newer code may answer then`, () =>
      expect(answer(recorded)).to.deep.equal([503, ['Retry-After', '5']]))

  it('that meets a broken event, or one that can no longer be lifted, does not say so', () => {
    expect(answer({ ...recordedAs(noteCreated()), data: '{' })).to.equal(undefined)
    expect(answer({ ...recordedAs(noteCreated()), schema: 0 })).to.equal(undefined)
  })
})
