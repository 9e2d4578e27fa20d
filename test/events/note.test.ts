import { expect } from 'chai'
import { createNote, deleteNote, editNote, editNoteByWorker, type Note, notes, pinNote } from '#events/note.ts'
import { given } from '#test/kit/given.ts'
import {
  noteCreated,
  noteDeleted,
  noteEdited,
  notePinned,
  noteUnpinned,
  noteWrittenByAi,
  userRegistered,
  VIDEO,
  videoAdded,
} from '#test/kit/histories.ts'
import { BEGINNING, world } from '#test/kit/world.ts'

const mine: Note = {
  noteId: 1,
  videoId: VIDEO,
  userId: 1,
  timestamp: '1:23',
  text: 'mine',
  generatedByAi: false,
  writtenBy: 'author',
  createdAt: BEGINNING,
  updatedAt: BEGINNING,
  version: 1,
}

describe('taking a note', () => {
  const asked = { userId: 1, videoId: VIDEO, timestamp: '1:23', text: 'mine' }

  it('creates it, and the video with the first one', () =>
    given().when(createNote(asked)).then(videoAdded(), noteCreated()).answering(mine))

  it('creates it under the number drawn', () =>
    given(videoAdded())
      .when(createNote(asked), { note: 7, video: 2 })
      .then(noteCreated({ noteId: 7 }))
      .answering({ ...mine, noteId: 7, createdAt: BEGINNING + 1000, updatedAt: BEGINNING + 1000 }))

  it('may have no text yet', () =>
    given(videoAdded())
      .when(createNote({ ...asked, text: null }))
      .then(noteCreated({ text: null })))

  it('is free to anybody, also on a video that another added', () =>
    given(videoAdded(), noteCreated())
      .when(createNote({ ...asked, userId: 2 }), { note: 2, video: 2 })
      .then(noteCreated({ noteId: 2, userId: 2 })))

  it('keeps the notes of a video in one partition, whoever takes them', () => {
    const { decision } = given().when(createNote(asked))
    expect(decision.rejection ? [] : decision.events.map(({ topic, key, stream }) => ({ topic, key, stream }))).to.deep.equal([
      { topic: 'vidwiz.videos', key: VIDEO, stream: `video-${VIDEO}` },
      { topic: 'vidwiz.notes', key: VIDEO, stream: 'note-1' },
    ])
  })
})

describe('a worker', () => {
  const byModel = (text: string) => editNoteByWorker({ noteId: 1, text, generatedByAi: true })

  for (const text of [null, ''])
    it(`writes the model's line into a note whose text is ${JSON.stringify(text)}`, () =>
      given(noteCreated({ text }))
        .when(byModel('model'))
        .then(noteWrittenByAi())
        .answering({ ...mine, text: 'model', generatedByAi: true, writtenBy: 'ai', updatedAt: BEGINNING + 1000, version: 2 }))

  it('leaves what the author wrote when the model answers late', () =>
    given(noteCreated({ text: null }), noteEdited({ text: 'mine' }))
      .when(byModel('model'))
      .thenNothing()
      .answering({ ...mine, updatedAt: BEGINNING + 1000, version: 2 }))

  it('leaves what the author wrote from the first', () => given(noteCreated()).when(byModel('model')).thenNothing())

  it('leaves what the author made of the line of the model, whatever the note says of itself', () =>
    given(noteCreated({ text: null }), noteWrittenByAi(), noteEdited({ text: 'better' }))
      .when(byModel('model'))
      .thenNothing())

  it('writes the line of the model once', () =>
    given(noteCreated({ text: null }), noteWrittenByAi())
      .when(byModel('model'))
      .thenNothing())

  it('replaces an older line of the model', () =>
    given(noteCreated({ text: null }), noteWrittenByAi())
      .when(byModel('newer'))
      .then(noteWrittenByAi({ text: 'newer' })))

  it('fills a note again that its author emptied', () =>
    given(noteCreated(), noteEdited({ text: '' }))
      .when(byModel('model'))
      .then(noteWrittenByAi()))

  it('edits anybody’s note when it is not for the model', () =>
    given(noteCreated({ userId: 5 }))
      .when(editNoteByWorker({ noteId: 1, text: 'put right', generatedByAi: false }))
      .then(noteEdited({ userId: 5, text: 'put right' })))

  it('may change nothing', () =>
    given(noteCreated())
      .when(editNoteByWorker({ noteId: 1 }))
      .thenNothing()
      .answering(mine))

  it('finds no note that is deleted or never was', () => {
    given(noteCreated(), noteDeleted()).when(byModel('model')).thenRejected('NOT_FOUND', 'Note not found')
    given().when(byModel('model')).thenRejected('NOT_FOUND', 'Note not found')
  })
})

describe('editing a note', () => {
  it('changes its text', () =>
    given(noteCreated())
      .when(editNote({ userId: 1, noteId: 1, text: 'better' }))
      .then(noteEdited({ text: 'better' }))
      .answering({ ...mine, text: 'better', updatedAt: BEGINNING + 1000, version: 2 }))

  it('keeps the text to the letter, blanks too', () =>
    given(noteCreated())
      .when(editNote({ userId: 1, noteId: 1, text: ' x ' }))
      .then(noteEdited({ text: ' x ' })))

  it('may leave it empty', () =>
    given(noteCreated())
      .when(editNote({ userId: 1, noteId: 1, text: '' }))
      .then(noteEdited({ text: '' })))

  it('gives a text to a note without one', () =>
    given(noteCreated({ text: null }))
      .when(editNote({ userId: 1, noteId: 1, text: 'late' }))
      .then(noteEdited({ text: 'late' })))

  it('tells an empty text from none', () =>
    given(noteCreated({ text: null }))
      .when(editNote({ userId: 1, noteId: 1, text: '' }))
      .then(noteEdited({ text: '' })))

  it('marks it as made by AI', () =>
    given(noteCreated())
      .when(editNote({ userId: 1, noteId: 1, generatedByAi: true }))
      .then(noteEdited({ generatedByAi: true }))
      .answering({ ...mine, generatedByAi: true, updatedAt: BEGINNING + 1000, version: 2 }))

  it('takes the mark away again', () =>
    given(noteCreated(), noteEdited({ generatedByAi: true }))
      .when(editNote({ userId: 1, noteId: 1, generatedByAi: false }))
      .then(noteEdited({ generatedByAi: false })))

  it('records only what changes', () =>
    given(noteCreated())
      .when(editNote({ userId: 1, noteId: 1, text: 'mine', generatedByAi: true }))
      .then(noteEdited({ generatedByAi: true })))

  it('does nothing when all is as it was, and it counts as unchanged', () =>
    given(noteCreated())
      .when(editNote({ userId: 1, noteId: 1, text: 'mine', generatedByAi: false }))
      .thenNothing()
      .answering(mine))

  it('must change something', () =>
    given(noteCreated())
      .when(editNote({ userId: 1, noteId: 1 }))
      .thenRejected('BAD_REQUEST', 'No fields provided for update'))

  it('needs a note', () =>
    given()
      .when(editNote({ userId: 1, noteId: 1, text: 'x' }))
      .thenRejected('NOT_FOUND', 'Note not found'))

  it('does not find the note of another', () =>
    given(noteCreated({ userId: 2 }))
      .when(editNote({ userId: 1, noteId: 1, text: 'x' }))
      .thenRejected('NOT_FOUND', 'Note not found'))

  it('does not find a deleted note', () =>
    given(noteCreated(), noteDeleted())
      .when(editNote({ userId: 1, noteId: 1, text: 'x' }))
      .thenRejected('NOT_FOUND', 'Note not found'))

  it('says that there is no note before it says that nothing was asked', () =>
    given()
      .when(editNote({ userId: 1, noteId: 1 }))
      .thenRejected('NOT_FOUND', 'Note not found'))

  it('is refused to who has seen another version, also where nothing would change', () => {
    const edited = given(noteCreated(), noteEdited({ text: 'better' }))
    for (const text of ['best', 'better'])
      edited.when(editNote({ userId: 1, noteId: 1, text, expected: [1] })).thenRejected('PRECONDITION_FAILED')
    edited.when(editNote({ userId: 1, noteId: 1, text: 'best', expected: [] })).thenRejected('PRECONDITION_FAILED')
    edited.when(editNote({ userId: 1, noteId: 1, text: 'best', expected: [1, 2] })).then(noteEdited({ text: 'best' }))
  })

  it('says what is wrong with the request before it says that the note has changed', () => {
    const edited = given(noteCreated(), noteEdited({ text: 'better' }))
    edited.when(editNote({ userId: 1, noteId: 1, expected: [1] })).thenRejected('BAD_REQUEST')
    edited.when(editNote({ userId: 2, noteId: 1, text: 'x', expected: [1] })).thenRejected('NOT_FOUND')
  })
})

describe('pinning a note', () => {
  const pin = { userId: 1, noteId: 1, pinned: true }
  const unpin = { ...pin, pinned: false }

  it('pins it, and does not count as a change of its text', () =>
    given(noteCreated())
      .when(pinNote(pin))
      .then(notePinned())
      .answering({ ...mine, pinned: true, version: 2 }))

  it('unpins it', () =>
    given(noteCreated(), notePinned())
      .when(pinNote(unpin))
      .then(noteUnpinned())
      .answering({ ...mine, pinned: false, version: 3 }))

  it('pins it again after it was unpinned', () =>
    given(noteCreated(), notePinned(), noteUnpinned()).when(pinNote(pin)).then(notePinned()))

  it('does nothing the second time', () => {
    given(noteCreated(), notePinned())
      .when(pinNote(pin))
      .thenNothing()
      .answering({ ...mine, pinned: true, version: 2 })
    given(noteCreated()).when(pinNote(unpin)).thenNothing().answering(mine)
    given(noteCreated(), notePinned(), noteUnpinned()).when(pinNote(unpin)).thenNothing()
  })

  it('is not undone by edits, nor by the line of the model', () =>
    given(noteCreated({ text: null }), notePinned(), noteWrittenByAi(), noteEdited({ text: 'better' }))
      .when(pinNote(pin))
      .thenNothing())

  it('finds no note of another, none that is deleted, and none that never was', () => {
    for (const wish of [pin, unpin]) {
      given(noteCreated({ userId: 2 }), notePinned({ userId: 2 }))
        .when(pinNote(wish))
        .thenRejected('NOT_FOUND', 'Note not found')
      given(noteCreated(), notePinned(), noteDeleted()).when(pinNote(wish)).thenRejected('NOT_FOUND', 'Note not found')
      given().when(pinNote(wish)).thenRejected('NOT_FOUND', 'Note not found')
    }
  })

  it('is refused to who has seen another version, also where nothing would change', () => {
    const pinned = given(noteCreated(), notePinned())
    for (const wish of [pin, unpin]) pinned.when(pinNote({ ...wish, expected: [1] })).thenRejected('PRECONDITION_FAILED')
    pinned.when(pinNote({ ...unpin, expected: [2] })).then(noteUnpinned())
  })
})

describe('deleting a note', () => {
  it('deletes it', () =>
    given(noteCreated())
      .when(deleteNote({ userId: 1, noteId: 1 }))
      .then(noteDeleted())
      .answering({}))

  it('deletes it once', () =>
    given(noteCreated(), noteDeleted())
      .when(deleteNote({ userId: 1, noteId: 1 }))
      .thenRejected('NOT_FOUND', 'Note not found'))

  it('does not find the note of another', () =>
    given(noteCreated({ userId: 2 }))
      .when(deleteNote({ userId: 1, noteId: 1 }))
      .thenRejected('NOT_FOUND', 'Note not found'))

  it('needs a note', () =>
    given()
      .when(deleteNote({ userId: 1, noteId: 1 }))
      .thenRejected('NOT_FOUND', 'Note not found'))
})

describe('deleting a note that one has seen', () => {
  const edited = given(noteCreated(), noteEdited({ text: 'better' }))
  it('is refused when it has changed since', () =>
    edited.when(deleteNote({ userId: 1, noteId: 1, expected: [1] })).thenRejected('PRECONDITION_FAILED'))
  it('deletes it when it has not', () => edited.when(deleteNote({ userId: 1, noteId: 1, expected: [2] })).then(noteDeleted()))
})

describe('a note', () => {
  const folded = (...history: Parameters<typeof given>) => {
    const after = world()
    for (const event of history) after.append([event])
    return after.state(notes.of(1))
  }

  it('is answered as the log then has it', () => {
    const here = world()
    const asked = { userId: 1, videoId: VIDEO, timestamp: '1:23', text: null }
    for (const command of [createNote(asked), editNote({ userId: 1, noteId: 1, text: 'x', generatedByAi: true })]) {
      const decision = here.execute(command)
      expect(decision.rejection ? undefined : { ...decision.result, updatedAt: 0 }).to.deep.equal({
        ...here.state(notes.of(1)),
        updatedAt: 0,
      })
    }
  })

  it('begins when it is created', () => expect(folded(noteCreated())).to.deep.equal(mine))

  it('moves with each edit, and keeps what the edit does not name', () =>
    expect(folded(noteCreated(), noteEdited({ generatedByAi: true }), noteEdited({ text: 'x' }))).to.deep.equal({
      ...mine,
      text: 'x',
      generatedByAi: true,
      updatedAt: BEGINNING + 2000,
      version: 3,
    }))

  it('forgets its text when it is deleted', () =>
    expect(folded(noteCreated(), noteDeleted())).to.deep.equal({ ...mine, text: null, deleted: true, version: 2 }))

  it('is not there before it is created', () => {
    expect(folded(noteEdited({ text: 'x' }))).to.equal(undefined)
    expect(folded(noteDeleted())).to.equal(undefined)
  })

  it('does not pass over events it has no case for', () =>
    expect(() => notes.evolve(mine, userRegistered() as never)).to.throw(/no case for events of type/))
})
