import { notesView } from '#projections/notes.ts'
import { noteCreated, noteDeleted, noteEdited, notePinned, noteUnpinned, noteWrittenByAi } from '#test/kit/histories.ts'
import { having, moment } from './showing.ts'

describe('the notes view', () => {
  it('shows a note as it was taken', () => {
    const shown = having(noteCreated({ text: null })).view(notesView)
    shown.isWhole()
    shown.shows({
      note_id: 1,
      user_id: 1,
      timestamp: '1:23',
      text: null,
      generated_by_ai: false,
      created_at: moment(1),
      updated_at: moment(1),
      version: 1,
    })
  })

  it('shows what was edited, and when', () =>
    having(noteCreated(), noteEdited({ text: 'better' }), noteEdited({ generatedByAi: true }))
      .view(notesView)
      .shows({ text: 'better', generated_by_ai: true, created_at: moment(1), updated_at: moment(3), version: 3 }))

  it('shows the line that the model wrote', () =>
    having(noteCreated({ text: null }), noteWrittenByAi())
      .view(notesView)
      .shows({ text: 'model', generated_by_ai: true, created_at: moment(1), updated_at: moment(2) }))

  it('shows whether it is pinned, through edits, and keeps the time of its text', () => {
    having(noteCreated({ text: null }))
      .view(notesView)
      .shows({ pinned: false })
    having(noteCreated({ text: null }), notePinned(), noteWrittenByAi(), noteEdited({ text: 'better' }))
      .view(notesView)
      .shows({ pinned: true, text: 'better', updated_at: moment(4), version: 4 })
    having(noteCreated(), notePinned(), noteUnpinned())
      .view(notesView)
      .shows({ pinned: false, updated_at: moment(1), version: 3 })
  })

  it('keeps an empty text apart from none', () =>
    having(noteCreated(), noteEdited({ text: '' }))
      .view(notesView)
      .shows({ text: '' }))

  it('no longer shows what was deleted', () => having(noteCreated(), noteDeleted()).view(notesView).shows())
})
