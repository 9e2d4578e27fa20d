import { expect } from 'chai'
import { causeText } from '#services/gpu-worker/dead-letter.ts'
import { readMessage } from '#services/gpu-worker/message.ts'

describe('a message for a media worker', () => {
  const read = (body: object) => readMessage(JSON.stringify(body))
  const plain = { url: 'https://example.org', user_id: 'bob@example.org' }

  it('names a video by its id or its number, and ours say more', () => {
    expect(read({ ...plain, video_id: 'dQw4w9WgXcQ' })).to.deep.equal({ video: 'dQw4w9WgXcQ', jobId: undefined, headers: {} })
    for (const video_id of [42, '42']) expect(read({ ...plain, video_id })).to.include({ video: '42' })
    const ours = { video_id: 42, youtube_id: 'dQw4w9WgXcQ', job_id: 7, attempt: 1, correlation_id: 'a', causation_id: 'b' }
    expect(read({ ...plain, ...ours })).to.deep.equal({
      video: 'dQw4w9WgXcQ',
      jobId: 7,
      headers: { 'X-Request-ID': 'a', 'X-Causation-ID': 'b' },
    })
  })

  it('may hold whatever else there is', () => {
    const odd = { ...plain, video_id: 42, job_id: 'seven', youtube_id: '../..', correlation_id: 'a\r\nX: y', more: [1] }
    expect(read(odd)).to.deep.equal({ video: '42', jobId: undefined, headers: {} })
  })

  it('is none when it names no video', () => {
    for (const body of [
      '',
      'x',
      'null',
      '[]',
      '7',
      '{}',
      '{"video_id":0}',
      '{"video_id":"../../etc/passwd"}',
      '{"video_id":1.5}',
    ])
      expect(readMessage(body), body).to.have.property('cause')
  })

  it('becomes a dead letter with a cause that SQS takes, whatever is in it', () => {
    expect(causeText('a\0b\ud800c é😀')).to.equal('a b\ufffdc é😀')
    expect(causeText('x'.repeat(5_000))).to.have.length(1_000)
  })
})
