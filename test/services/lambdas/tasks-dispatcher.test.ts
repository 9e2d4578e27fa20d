import { expect } from 'chai'
import { causeHeaders } from '#services/kit/cause-headers.ts'
import { taskOf } from '#services/lambdas/tasks-dispatcher/tasks-dispatcher.ts'
import { videosIn } from '#services/lambdas/tasks-dispatcher/transcript-events.ts'

const made = (key: string, eventName = 'ObjectCreated:Put') => ({ eventSource: 'aws:s3', eventName, s3: { object: { key } } })

describe('a notification of S3', () => {
  it('tells every transcript it speaks of, each once', () =>
    expect(
      videosIn({
        Records: [
          made('transcripts/dQw4w9WgXcQ.json'),
          made('transcripts/a-_45678901.json', 's3:ObjectCreated:Put'),
          made('transcripts/dQw4w9WgXcQ.json', 'ObjectCreated:CompleteMultipartUpload'),
        ],
      }),
    ).to.deep.equal(['dQw4w9WgXcQ', 'a-_45678901']))

  it('has its keys decoded, as S3 writes them', () => {
    expect(videosIn({ Records: [made('transcripts%2FdQw4w9WgX%63Q.json')] })).to.deep.equal(['dQw4w9WgXcQ'])
    expect(videosIn({ Records: [made('transcripts/a+b.json'), made('transcripts/%zz.json')] })).to.deep.equal([])
  })

  it('may speak of other things, which are ignored', () => {
    const others = [
      'audio/dQw4w9WgXcQ.mp3',
      'transcripts/a/b.json',
      'transcripts/.json',
      'x/transcripts/a.json',
      'transcripts/a.json.gz',
      '',
    ]
    expect(videosIn({ Records: others.map((key) => made(key)) })).to.deep.equal([])
    expect(videosIn({ Records: [made('transcripts/a.json', 'ObjectRemoved:Delete'), {}] })).to.deep.equal([])
    expect(videosIn({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'b' })).to.deep.equal([])
  })

  it('must be one', () => {
    for (const other of [{}, null, 'x', { Records: 1 }]) expect(() => videosIn(other)).to.throw('no notification of S3')
  })
})

describe('the dispatcher', () => {
  it('asks for summaries when S3 says so, and for notes alone when a person does', () => {
    expect(taskOf({ Records: [made('transcripts/a.json')] })).to.deep.equal({ videoIds: ['a'], summarise: true })
    expect(taskOf({ video_ids: ['a', 'b', 'a'] })).to.deep.equal({ videoIds: ['a', 'b'], summarise: false })
    for (const ids of ['a', [1], null]) expect(() => taskOf({ video_ids: ids })).to.throw('video_ids is not a list')
  })
})

describe('the ids of a message', () => {
  it('go to the API as headers, if they are sane', () => {
    expect(causeHeaders({ correlation_id: 'a-1', causation_id: 'b:2' })).to.deep.equal({
      'X-Request-ID': 'a-1',
      'X-Causation-ID': 'b:2',
    })
    expect(causeHeaders({ correlation_id: 'a\r\nX: y', causation_id: 7 })).to.deep.equal({})
  })
})
