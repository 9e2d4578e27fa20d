import { expect } from 'chai'
import { z } from 'zod'
import { stream } from '#events/kit/stream.ts'
import { noteCreated, noteEdited, VIDEO } from '#test/kit/histories.ts'

describe('making an event', () => {
  it('puts it on its topic, under its key, into its stream', () =>
    expect(noteEdited({ noteId: 42, text: 'x' })).to.deep.equal({
      type: 'NoteEdited',
      schema: 1,
      topic: 'vidwiz.notes',
      key: VIDEO,
      stream: 'note-42',
      data: { noteId: 42, videoId: VIDEO, userId: 1, text: 'x' },
    }))

  it('refuses a payload that could not be read back', () => {
    for (const broken of [{ noteId: 0 }, { noteId: 1.5 }, { videoId: 'short' }, { text: undefined }, { timestamp: 83 }])
      expect(() => noteCreated(broken as never), JSON.stringify(broken)).to.throw(z.ZodError)
  })

  it('leaves out what is undefined and what the type does not know', () =>
    expect(Object.keys(noteEdited({ text: undefined, colour: 'red' } as never).data)).to.deep.equal([
      'noteId',
      'videoId',
      'userId',
    ]))

  it('has a key that is text, also when it is a number in the payload', () => {
    const things = stream<{ id: number }>('thing', {
      topic: { name: 'things', partitions: 1 },
      id: (e) => e.id,
      key: (e) => e.id,
    })
    expect(things.event('Made', 1, z.object({ id: z.int() }))({ id: 7 })).to.include({ key: '7', stream: 'thing-7' })
  })
})
