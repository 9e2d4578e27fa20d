import { expect } from 'chai'
import type { NewEvent } from '#events/kit/envelope.ts'
import { messageOf } from '#services/sqs-bridge/messages.ts'
import { aiNoteRequested, summaryRequested, VIDEO } from '#test/kit/histories.ts'
import { recordedAs } from '#test/kit/world.ts'

type Question = Parameters<typeof messageOf>[0]

const question = (event: NewEvent, correlationId: string | null) =>
  ({
    ...recordedAs(event, { version: 1, pos: 1, partition: 0, time: 0 }),
    data: event.data,
    id: 'event-1',
    correlationId,
  }) as Question

describe('messages to workers, to the letter', () => {
  it('ask for a note', () => {
    expect(messageOf(question(aiNoteRequested({ noteId: 42, timestamp: '1:02:03', userId: 7 }), 'request-1'))).to.deep.equal({
      queue: 'ai-notes',
      body: `{"id":42,"video_id":"${VIDEO}","timestamp":"1:02:03","user_id":7,"correlation_id":"request-1","causation_id":"event-1"}`,
    })
  })

  it('ask for a summary', () => {
    expect(messageOf(question(summaryRequested(), 'request-1'))).to.deep.equal({
      queue: 'summaries',
      body: `{"video_id":"${VIDEO}","correlation_id":"request-1","causation_id":"event-1"}`,
    })
  })

  it('ask a second time, or for a note made up for, in the same words', () => {
    const first = messageOf(question(aiNoteRequested(), 'r'))
    expect(messageOf(question(aiNoteRequested({ attempt: 2, backfill: true }), 'r'))).to.deep.equal(first)
  })

  it('belong to a request of their own when nobody asked', () => {
    expect(JSON.parse(messageOf(question(summaryRequested(), null)).body)).to.include({ correlation_id: 'event-1' })
  })
})
