import { aiRequestsView } from '#projections/ai-requests.ts'
import {
  aiNoteAwaited,
  aiNoteRequested,
  jobAnswered,
  jobDispatched,
  jobGivenUp,
  jobWithdrawn,
  summaryRequested,
  VIDEO,
} from '#test/kit/histories.ts'
import { BEGINNING } from '#test/kit/world.ts'
import { having } from './showing.ts'

const since = (n: number) => BEGINNING + n * 1000

describe('the ai-requests view', () => {
  it('shows what is asked, of whom and since when', () => {
    const shown = having(aiNoteAwaited(), aiNoteRequested()).view(aiRequestsView)
    shown.isWhole()
    const note = { request: 'note-1', kind: 'note', video_id: VIDEO, note_id: 1, user_id: 1 }
    shown.shows({ ...note, status: 'requested', attempt: 1, since: since(2), backfill: false, message_id: null, cause: null })
    having(aiNoteAwaited())
      .view(aiRequestsView)
      .shows({ ...note, status: 'awaited', attempt: 0, since: since(1) })
    having(summaryRequested())
      .view(aiRequestsView)
      .shows({ request: `summary-${VIDEO}`, kind: 'summary', note_id: null, user_id: null, status: 'requested' })
  })

  it('shows that a queue has the question, as which message and since when', () =>
    having(aiNoteRequested(), jobDispatched({ messageId: 'm-9' }))
      .view(aiRequestsView)
      .shows({ status: 'dispatched', message_id: 'm-9', since: since(2), version: 2 }))

  it('shows how it ended, and why', () => {
    const sent = [aiNoteRequested(), jobDispatched()]
    having(...sent, jobAnswered())
      .view(aiRequestsView)
      .shows({ status: 'answered', cause: null, since: since(3) })
    having(...sent, jobWithdrawn({ cause: 'w' }))
      .view(aiRequestsView)
      .shows({ status: 'withdrawn', cause: 'w' })
    having(...sent, jobGivenUp({ cause: 'g' }))
      .view(aiRequestsView)
      .shows({ status: 'given-up', cause: 'g' })
    having(...sent, jobGivenUp({ cause: 'g' }), aiNoteRequested({ attempt: 2 }))
      .view(aiRequestsView)
      .shows({ status: 'requested', attempt: 2, cause: null })
  })

  it('counts as backfill for ever what was once', () =>
    having(aiNoteRequested({ backfill: true }), jobDispatched(), aiNoteRequested({ attempt: 2 }))
      .view(aiRequestsView)
      .shows({ backfill: true, attempt: 2 }))
})
