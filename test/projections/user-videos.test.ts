import { userVideosView } from '#projections/user-videos.ts'
import { noteCreated, noteDeleted, noteEdited, noteWrittenByAi, VIDEO } from '#test/kit/histories.ts'
import { having } from './showing.ts'

describe('the user-videos view', () => {
  it('counts the notes of each user on each video', () => {
    const shown = having(
      noteCreated(),
      noteCreated({ noteId: 2 }),
      noteCreated({ noteId: 3, userId: 2 }),
      noteEdited({ text: 'x' }),
      noteWrittenByAi(),
    ).view(userVideosView)
    shown.isWhole()
    shown.shows({ id: `1:${VIDEO}`, user_id: 1, video_id: VIDEO, notes: 2 }, { user_id: 2, notes: 1 })
  })

  it('no longer shows a video whose last note is deleted', () => {
    having(noteCreated(), noteCreated({ noteId: 2 }), noteDeleted())
      .view(userVideosView)
      .shows({ notes: 1 })
    having(noteCreated(), noteDeleted()).view(userVideosView).shows()
  })
})
