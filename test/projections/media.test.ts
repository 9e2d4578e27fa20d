import { mediaView } from '#projections/media.ts'
import {
  hearingAwaited,
  hearingWithdrawn,
  mediaDispatched,
  mediaFailed,
  mediaInterrupted,
  mediaProcessed,
  mediaProgressed,
  mediaRequested,
  mediaStarted,
  STUDY,
  VIDEO,
} from '#test/kit/histories.ts'
import { BEGINNING } from '#test/kit/world.ts'
import { having, moment } from './showing.ts'

const since = (n: number) => BEGINNING + n * 1000
const { language: _, ...MADE } = STUDY
const started = [mediaRequested(), mediaDispatched(), mediaStarted()]

describe('the media view', () => {
  it('shows a job, whose it is and what the queue calls its message', () => {
    const shown = having(mediaRequested({ userId: 7, language: 'hi' }), mediaDispatched({ messageId: 'm-9' })).view(mediaView)
    shown.isWhole()
    shown.shows({
      video_id: VIDEO,
      job_id: 1,
      status: 'queued',
      user_id: 7,
      language: 'hi',
      attempt: 1,
      message_id: 'm-9',
      since: since(2),
      requested_at: moment(1),
      updated_at: moment(2),
      version: 2,
    })
  })

  it('shows what waits to be heard, and that it does not any more', () => {
    having(hearingAwaited())
      .view(mediaView)
      .shows({ status: 'awaited', job_id: 0, user_id: null, requested_at: moment(1) })
    having(hearingAwaited(), hearingWithdrawn({ cause: 'w' }))
      .view(mediaView)
      .shows({ status: 'withdrawn', cause: 'w' })
    having(hearingAwaited(), mediaRequested({ userId: null }))
      .view(mediaView)
      .shows({ status: 'queued', job_id: 1, requested_at: moment(1), updated_at: moment(2) })
  })

  it('shows how far a worker is, and why it gave the job back', () => {
    having(...started)
      .view(mediaView)
      .shows({ status: 'processing', step: null, percent: null })
    having(...started, mediaProgressed())
      .view(mediaView)
      .shows({ status: 'processing', step: 'transcript', percent: 50 })
    const interrupted = [...started, mediaProgressed(), mediaInterrupted({ cause: 'stopped' })]
    having(...interrupted)
      .view(mediaView)
      .shows({ status: 'queued', cause: 'stopped' })
    having(mediaRequested(), mediaDispatched(), mediaInterrupted()).view(mediaView).shows({ message_id: 'm-1' })
    having(mediaRequested(), mediaDispatched(), mediaInterrupted({ messageGone: true }))
      .view(mediaView)
      .shows({ message_id: null })
    having(...interrupted, mediaStarted())
      .view(mediaView)
      .shows({ status: 'processing', step: null, percent: null, cause: null })
  })

  it('shows what was made, and keeps it whatever comes after', () => {
    const audio = { s3Key: 'audio/x.mp3', sizeBytes: 9, sha256: 'ab' }
    const made = [...started, mediaProgressed(), mediaProcessed({ audio })]
    const done = { status: 'completed', step: null, cause: null, audio_key: 'audio/x.mp3', studies: JSON.stringify({ en: MADE }) }
    having(...made)
      .view(mediaView)
      .shows(done)
    having(...made, mediaRequested({ jobId: 2, language: 'hi' }), mediaFailed({ jobId: 2, cause: 'c' }))
      .view(mediaView)
      .shows({ ...done, status: 'failed', job_id: 2, language: 'hi', cause: 'c', requested_at: moment(6) })
  })

  it('shows the newest language first, and of each language the newest', () => {
    const hindi = { ...STUDY, language: 'hi', model: 'm' }
    const jobs = [hindi, STUDY].flatMap((study, n) => [mediaRequested({ jobId: n + 2 }), mediaProcessed({ jobId: n + 2, study })])
    having(...started, mediaProcessed(), ...jobs.slice(0, 2))
      .view(mediaView)
      .shows({ studies: JSON.stringify({ hi: { ...MADE, model: 'm' }, en: MADE }) })
    having(...started, mediaProcessed(), ...jobs)
      .view(mediaView)
      .shows({ studies: JSON.stringify({ en: MADE, hi: { ...MADE, model: 'm' } }) })
  })

  it('shows why there is nothing, and a job that was given up and taken up again', () => {
    having(...started, mediaProcessed({ study: undefined, missing: 'no model is set up' }))
      .view(mediaView)
      .shows({ status: 'completed', studies: '{}', cause: 'no model is set up' })
    having(...started, mediaFailed({ cause: 'c' }))
      .view(mediaView)
      .shows({ status: 'failed', cause: 'c' })
    having(...started, mediaFailed(), mediaProgressed())
      .view(mediaView)
      .shows({ status: 'processing', cause: null })
  })

  it('counts the messages of a job, and forgets what the queue called the last one', () =>
    having(...started, mediaRequested({ attempt: 2 }))
      .view(mediaView)
      .shows({ status: 'queued', attempt: 2, message_id: null, requested_at: moment(1) }))
})
