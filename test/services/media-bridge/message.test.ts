import { expect } from 'chai'
import { bodyOf, type Job } from '#services/media-bridge/message.ts'
import { mediaRequested, VIDEO } from '#test/kit/histories.ts'
import { recordedAs } from '#test/kit/world.ts'

const job = (but: Parameters<typeof mediaRequested>[0], correlationId: string | null = 'request-1') => {
  const event = mediaRequested(but)
  const recorded = recordedAs(event, { version: 1, pos: 1, partition: 0, time: 0 })
  return { ...recorded, data: event.data, id: 'event-1', correlationId } as Job
}
const of = { number: 7, email: 'bob@example.com', watchUrl: 'https://www.youtube.com/watch?v=' }

describe('a message to media workers, to the letter', () => {
  it('asks for flashcards and a quiz', () => {
    expect(bodyOf(job({ jobId: 3, language: 'hi' }), of)).to.equal(
      `{"video_id":7,"url":"https://www.youtube.com/watch?v=${VIDEO}","user_id":"bob@example.com","job_id":3,"youtube_id":"${VIDEO}",` +
        `"attempt":1,"language":"hi","correlation_id":"request-1","causation_id":"event-1"}`,
    )
  })

  it('names nobody when nobody asked, or nobody who has an address', () => {
    const body = JSON.parse(bodyOf(job({ userId: null, attempt: 2 }, null), { ...of, email: null }))
    expect(body).to.include({ user_id: 'fallback@vidwiz.invalid', attempt: 2, correlation_id: 'event-1' })
    expect(body).to.not.have.property('language')
  })
})
