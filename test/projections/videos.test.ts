import { videosView } from '#projections/videos.ts'
import {
  metadataStored,
  questionsSuggested,
  summaryStored,
  transcriptStored,
  VIDEO,
  videoAdded,
  videoTitled,
} from '#test/kit/histories.ts'
import { having, moment } from './showing.ts'

describe('the videos view', () => {
  it('shows a video that nothing is known about', () => {
    const shown = having(videoAdded({ id: 7 })).view(videosView)
    shown.isWhole()
    const nothing = { title: null, metadata: null, transcript_available: false, summary: null, suggested_questions: null }
    shown.shows({ video_id: VIDEO, id: 7, ...nothing, created_at: moment(1), updated_at: moment(1) })
  })

  for (const [what, event, column] of [
    [
      'title',
      videoTitled(),
      { title: 'Never Gonna Give You Up', title_folded: 'never gonna give you up', title_searched: 'never gonna give you up' },
    ],
    [
      'metadata',
      metadataStored({ metadata: '{"1":12345678901234567890,"0":1}' }),
      { metadata: '{"1":12345678901234567890,"0":1}' },
    ],
    ['transcript', transcriptStored(), { transcript_available: true }],
    ['summary', summaryStored(), { summary: 'A promise.' }],
    ['question', questionsSuggested(), { suggested_questions: '["Why?","How?","When?"]' }],
  ] as const) {
    it(`shows a ${what} that came, and when`, () =>
      having(videoAdded(), event)
        .view(videosView)
        .shows({ ...column, created_at: moment(1), updated_at: moment(2) }))

    it(`does not call it an update when the same ${what} comes again`, () =>
      having(videoAdded(), event, event)
        .view(videosView)
        .shows({ ...column, updated_at: moment(2) }))
  }

  it('shows no title where a placeholder of a client was recorded as one, and the next real one', () => {
    const placeholder = 'No YouTube video found.'
    having(videoAdded({ title: placeholder }))
      .view(videosView)
      .shows({ title: null, title_folded: null })
    having(videoAdded(), videoTitled({ title: placeholder }), videoTitled({ title: 'One' }))
      .view(videosView)
      .shows({ title: 'One', title_folded: 'one', updated_at: moment(3) })
  })

  it('calls a transcript without rows not available', () =>
    having(videoAdded(), transcriptStored({ rows: 0 }))
      .view(videosView)
      .shows({ transcript_available: false, updated_at: moment(1) }))
})
