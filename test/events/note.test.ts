import { expect } from 'chai'
import { createNote, deleteNote, editNote, type Note, notes } from '#events/note.ts'
import { given } from '#test/kit/given.ts'
import { noteCreated, noteDeleted, noteEdited, userRegistered, VIDEO, videoAdded } from '#test/kit/histories.ts'
import { BEGINNING, world } from '#test/kit/world.ts'

const mine: Note = {
  noteId: 1,
  videoId: VIDEO,
  userId: 1,
  timestamp: '1:23',
  text: 'mine',
  generatedByAi: false,
  createdAt: BEGINNING,
  updatedAt: BEGINNING,
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

describe('editing a note', () => {
  it('changes its text', () =>
    given(noteCreated())
      .when(editNote({ userId: 1, noteId: 1, text: 'better' }))
      .then(noteEdited({ text: 'better' }))
      .answering({ ...mine, text: 'better', updatedAt: BEGINNING + 1000 }))

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
      .answering({ ...mine, generatedByAi: true, updatedAt: BEGINNING + 1000 }))

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

describe('a note', () => {
  const folded = (...history: Parameters<typeof given>) => {
    const after = world()
    for (const event of history) after.append([event])
    return after.state(notes.of(1))
  }

  it('begins when it is created', () => expect(folded(noteCreated())).to.deep.equal(mine))

  it('moves with each edit, and keeps what the edit does not name', () =>
    expect(folded(noteCreated(), noteEdited({ generatedByAi: true }), noteEdited({ text: 'x' }))).to.deep.equal({
      ...mine,
      text: 'x',
      generatedByAi: true,
      updatedAt: BEGINNING + 2000,
    }))

  it('forgets its text when it is deleted', () =>
    expect(folded(noteCreated(), noteDeleted())).to.deep.equal({ ...mine, text: null, deleted: true }))

  it('is not there before it is created', () => {
    expect(folded(noteEdited({ text: 'x' }))).to.equal(undefined)
    expect(folded(noteDeleted())).to.equal(undefined)
  })

  it('ignores events it does not know', () => expect(notes.evolve(mine, userRegistered() as never)).to.equal(mine))
})
