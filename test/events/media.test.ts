import { expect } from 'chai'
import type { NewEvent } from '#events/kit/envelope.ts'
import {
  askMediaAgain,
  awaitHearing,
  beginHearing,
  completeMedia,
  failMedia,
  findUnsentMedia,
  hearMedia,
  progressMedia,
  recordMediaDispatch,
  requestStudy,
  startMedia,
} from '#events/media.ts'
import { given } from '#test/kit/given.ts'
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
  transcriptSetAside,
  transcriptStored,
  VIDEO,
  videoAdded,
} from '#test/kit/histories.ts'
import { BEGINNING, world } from '#test/kit/world.ts'

const videoId = VIDEO
const job = { videoId, jobId: 1 }
const request = (but: { language?: string; userId?: number; quota?: number } = {}) =>
  requestStudy({ videoId, userId: 1, quota: 3, ...but })
const again = askMediaAgain({ videoId, silenceMs: 5_000 })
const complete = completeMedia({ ...job, study: STUDY })
const fail = failMedia({ ...job, cause: 'c' })
const start = startMedia(job)

/** A job in the hands of the queue, and in those of a worker. */
const sent = [videoAdded(), mediaRequested(), mediaDispatched()]
const started = [...sent, mediaStarted()]
const done = [...started, mediaProcessed()]
/** Nothing happens while so many events of another video pass, a second apart. */
const seconds = (n: number): NewEvent[] =>
  Array.from({ length: n }, (_, i) => videoAdded({ videoId: 'other_video', id: 100 + i }))

describe('asking for a study', () => {
  it('begins a job for whoever asks, under the number drawn', () =>
    given(videoAdded())
      .when(request({ userId: 7, language: 'hi' }), { media: 5 })
      .then(mediaRequested({ jobId: 5, userId: 7, language: 'hi' })))

  it('is refused for a video that nobody has mentioned', () =>
    given().when(request()).thenRejected('NOT_FOUND', 'Video not found'))

  for (const [how, ...open] of [
    ['waits for its queue', mediaRequested()],
    ['is in the queue', mediaRequested(), mediaDispatched()],
    ['is in hand', mediaRequested(), mediaDispatched(), mediaStarted()],
    ['was given back', mediaRequested(), mediaDispatched(), mediaStarted(), mediaInterrupted()],
  ] as [string, ...NewEvent[]][])
    it(`begins none while one ${how}, whoever asks and in whatever language`, () => {
      const { decision } = given(videoAdded(), ...open).when(request({ userId: 2, language: 'hi' }))
      expect(decision).to.deep.include({ events: [] })
      expect(decision).to.have.nested.property('result.jobId', 1)
    })

  it('begins none where there are flashcards: in that language, or in any if none is named', () => {
    given(...done)
      .when(request())
      .thenNothing()
    given(...done)
      .when(request({ language: 'en' }))
      .thenNothing()
  })

  it('begins one for another language, and keeps what there is', () => {
    given(...done)
      .when(request({ language: 'hi' }), { media: 2 })
      .then(mediaRequested({ jobId: 2, language: 'hi' }))
    const hindi = [
      mediaRequested({ jobId: 2, language: 'hi' }),
      mediaProcessed({ jobId: 2, study: { ...STUDY, language: 'hi' } }),
    ]
    for (const language of ['en', 'hi'])
      given(...done, ...hindi)
        .when(request({ language }))
        .thenNothing()
  })

  it('begins one again after a job that made none, failed, or failed for good', () => {
    const again = mediaRequested({ jobId: 2 })
    given(...started, mediaProcessed({ study: undefined, missing: 'm' }))
      .when(request(), { media: 2 })
      .then(again)
    given(...started, mediaFailed())
      .when(request(), { media: 2 })
      .then(again)
    given(...started, mediaFailed({ permanent: true }))
      .when(request(), { media: 2 })
      .then(again)
  })

  it('takes over what was awaited', () => given(videoAdded(), hearingAwaited()).when(request()).then(mediaRequested()))

  it('is refused to a user who had as many jobs as a day allows; what begins no job is not counted', () => {
    const here = world()
    const ask = (n: number, userId = 1) =>
      here.execute(requestStudy({ videoId: `video_0000${n}`, userId, quota: 2 }), { media: n })
    for (const n of [1, 2, 3]) here.append([videoAdded({ videoId: `video_0000${n}`, id: n })])
    for (const n of [1, 1, 1, 2]) expect(ask(n)).not.to.have.property('rejection')
    const over = ask(3)
    expect(over.rejection).to.deep.include({ code: 'RATE_LIMIT_EXCEEDED', message: 'Daily limit reached (2 videos/day)' })
    const { reset_in_seconds } = over.rejection!.details as { reset_in_seconds: number }
    expect(reset_in_seconds, 'until midnight (UTC)').to.equal(86_400 - (here.now() - BEGINNING) / 1000)
    expect(ask(2), 'one that is under way').not.to.have.property('rejection')
    expect(ask(3, 2), 'somebody else').not.to.have.property('rejection')
  })
})

describe('a video without captions', () => {
  const wait = awaitHearing({ videoId })
  const begin = beginHearing({ videoId, perDay: 2 })

  it('waits to be heard', () => given(videoAdded()).when(wait).then(hearingAwaited()))

  it('does not wait when it has a transcript, waits already, or a worker has it', () => {
    given(videoAdded(), transcriptStored()).when(wait).thenNothing()
    given(videoAdded(), hearingAwaited()).when(wait).thenNothing()
    for (const history of [sent, started])
      given(...history)
        .when(wait)
        .thenNothing()
    given().when(wait).thenNothing()
  })

  it('is tried again after a failure that may pass, but not by itself after one for good', () => {
    given(...started, mediaFailed())
      .when(wait)
      .then(hearingAwaited())
    given(...started, mediaFailed({ permanent: true }))
      .when(wait)
      .thenNothing()
  })

  it('is not heard again when nothing was said in it', () =>
    given(...started, mediaProcessed({ study: undefined, missing: 'nothing is said' }))
      .when(wait)
      .thenNothing())

  it('is asked for when its turn comes, for nobody in particular', () => {
    given(videoAdded(), hearingAwaited())
      .when(begin, { media: 4 })
      .then(mediaRequested({ jobId: 4, userId: null }))
    given(videoAdded()).when(begin).thenNothing()
    given(...sent)
      .when(begin)
      .thenNothing()
  })

  it('is not asked for any more when captions came meanwhile', () =>
    given(videoAdded(), hearingAwaited(), transcriptStored()).when(begin).then(hearingWithdrawn()))

  it('has to wait for another day when as many were heard as the day allows', () => {
    const here = world()
    const all = [1, 2, 3].map((n) => `video_0000${n}`)
    for (const [i, videoId] of all.entries()) here.append([videoAdded({ videoId, id: i + 1 }), hearingAwaited({ videoId })])
    const refusals = all.map((videoId) => here.execute(beginHearing({ videoId, perDay: 2 })).rejection?.code)
    expect(refusals).to.deep.equal([undefined, undefined, 'RATE_LIMIT_EXCEEDED'])
  })
})

describe('the message of a job', () => {
  const of = { ...job, attempt: 1 }
  const isUnsent = (...history: NewEvent[]) => {
    const { decision } = given(...history).when(findUnsentMedia(of))
    return (decision as { result: { isUnsent: boolean } }).result.isUnsent
  }

  it('is to be sent until the queue has it, somebody is at the job, or it is over', () => {
    expect(isUnsent(videoAdded(), mediaRequested())).to.equal(true)
    for (const history of [sent, started, done, [videoAdded()]]) expect(isUnsent(...history)).to.equal(false)
    expect(isUnsent(videoAdded(), mediaRequested(), mediaStarted()), 'a worker was faster than the record').to.equal(false)
    expect(isUnsent(...sent, mediaRequested({ attempt: 2 })), 'an older one').to.equal(false)
  })

  it('is recorded as sent once', () => {
    const record = recordMediaDispatch({ ...of, messageId: 'm-1' })
    given(videoAdded(), mediaRequested()).when(record).then(mediaDispatched())
    given(...sent)
      .when(record)
      .thenNothing()
  })
})

describe('a worker that begins', () => {
  it('is on record, each time', () => {
    given(...sent)
      .when(start)
      .then(mediaStarted())
    given(...started)
      .when(start)
      .then(mediaStarted())
    given(videoAdded(), mediaRequested()).when(start).then(mediaStarted())
  })

  it('is not wanted when the job is done, or has failed for good', () => {
    given(...done)
      .when(start)
      .thenNothing()
    given(...started, mediaFailed({ permanent: true }))
      .when(start)
      .thenNothing()
  })

  it('takes a job up that was given up while its message waited', () => {
    const { decision } = given(...sent, mediaFailed()).when(start)
    expect(decision).to.deep.include({ events: [mediaStarted()] })
    expect(decision).to.have.nested.property('result.media.status', 'processing')
  })

  it('is refused a job that there is not, or that is not the newest any more', () => {
    for (const command of [start, progressMedia({ ...job, step: 'audio', percent: 1 }), complete, fail]) {
      given(videoAdded()).when(command).thenRejected('NOT_FOUND')
      given(...started, mediaFailed(), mediaRequested({ jobId: 2 }))
        .when(command)
        .thenRejected('NOT_FOUND', 'There is no such job')
    }
    given().when(start).thenRejected('NOT_FOUND', 'Video not found')
  })

  describe('without a job', () => {
    const begin = startMedia({ videoId, jobId: undefined })

    it('begins one', () => {
      const both = [mediaRequested({ jobId: 3, userId: null }), mediaStarted({ jobId: 3 })]
      given(videoAdded())
        .when(begin, { media: 3 })
        .then(...both)
      given(...started, mediaFailed())
        .when(begin, { media: 3 })
        .then(...both)
      given(videoAdded(), hearingAwaited())
        .when(begin, { media: 3 })
        .then(...both)
    })

    it('joins the one that is open', () =>
      given(...sent)
        .when(begin)
        .then(mediaStarted()))

    it('begins none when its message comes again after the work', () =>
      given(...done)
        .when(begin)
        .thenNothing())
  })
})

describe('progress', () => {
  const progress = (step: 'download' | 'audio' | 'transcript' | 'study', percent: number) =>
    progressMedia({ ...job, step, percent })

  it('is recorded when a step begins, or has come much further', () => {
    given(...started)
      .when(progress('download', 0))
      .then(mediaProgressed({ step: 'download', percent: 0 }))
    given(...started, mediaProgressed())
      .when(progress('transcript', 60))
      .then(mediaProgressed({ percent: 60 }))
    given(...started, mediaProgressed())
      .when(progress('study', 0))
      .then(mediaProgressed({ step: 'study', percent: 0 }))
  })

  it('is not recorded when it is small, or lies behind: another worker may be at the same job', () => {
    given(...started, mediaProgressed())
      .when(progress('transcript', 59))
      .thenNothing()
    given(...started, mediaProgressed())
      .when(progress('transcript', 10))
      .thenNothing()
    given(...started, mediaProgressed())
      .when(progress('download', 90))
      .thenNothing()
  })

  it('is recorded however small when nothing was for long, so that a slow job is not taken for a silent one', () => {
    const small = progressMedia({ ...job, step: 'transcript', percent: 51, rarelyMs: 3_000 })
    given(...started, mediaProgressed(), ...seconds(1))
      .when(small)
      .thenNothing()
    given(...started, mediaProgressed(), ...seconds(3))
      .when(small)
      .then(mediaProgressed({ percent: 51 }))
  })

  it('begins from nothing when a worker begins again', () =>
    given(...started, mediaProgressed(), mediaStarted())
      .when(progress('download', 0))
      .then(mediaProgressed({ step: 'download', percent: 0 })))

  it('takes a job up that was given up, and is not wanted of one that is done', () => {
    given(...started, mediaFailed())
      .when(progress('transcript', 1))
      .then(mediaProgressed({ percent: 1 }))
    given(...started, mediaFailed({ permanent: true }))
      .when(progress('transcript', 1))
      .thenNothing()
    given(...done)
      .when(progress('transcript', 1))
      .thenNothing()
  })
})

describe('what was heard', () => {
  const heard = {
    s3Key: `transcripts/${VIDEO}.json`,
    rows: 2,
    sizeBytes: 9,
    sha256: 'ab',
    origin: 'speech',
    language: 'en',
  } as const
  const hear = hearMedia({ ...job, transcript: heard })
  const asTranscript = transcriptStored(heard)
  const heardAll = mediaProgressed({ percent: 100 })

  it('becomes the transcript of the video', () => {
    const { decision } = given(...started).when(hear)
    expect(decision).to.deep.include({ events: [heardAll, asTranscript] })
    expect(decision).to.have.nested.property('result.video.transcript.sha256', 'ab')
  })

  it('lies beside captions that came meanwhile', () =>
    given(...started, transcriptStored())
      .when(hear)
      .then(heardAll, transcriptSetAside(heard)))

  it('is stored once, however often it is said', () =>
    given(...started, heardAll, asTranscript)
      .when(hear)
      .thenNothing())

  it('is not thrown away when the job has ended meanwhile', () =>
    given(...started, mediaFailed({ permanent: true }))
      .when(hear)
      .then(asTranscript))

  it('is refused for a job that there is not', () => given(videoAdded()).when(hear).thenRejected('NOT_FOUND'))
})

describe('the end of a job', () => {
  it('is that a worker is done', () => {
    given(...started)
      .when(complete)
      .then(mediaProcessed())
    given(...sent)
      .when(complete)
      .then(mediaProcessed())
    given(...done)
      .when(complete)
      .thenNothing()
  })

  it('can be told once more by who brings what is missing: flashcards and a quiz in that language', () => {
    const without = mediaProcessed({ study: undefined, missing: 'm' })
    given(...started, without)
      .when(complete)
      .then(mediaProcessed())
    given(...started, without, mediaProcessed())
      .when(complete)
      .thenNothing()
    given(...started, without)
      .when(completeMedia({ ...job, missing: 'm' }))
      .thenNothing()
  })

  it('comes late rather than never: also after the job was given up, or waits to be heard again', () => {
    given(...started, mediaFailed())
      .when(complete)
      .then(mediaProcessed())
    given(...started, mediaFailed({ permanent: true }))
      .when(complete)
      .then(mediaProcessed())
    given(...started, mediaFailed(), hearingAwaited())
      .when(complete)
      .then(mediaProcessed())
  })

  it('is that a worker could not do it', () => {
    given(...started)
      .when(fail)
      .then(mediaFailed({ cause: 'c' }))
    given(...started, mediaFailed())
      .when(fail)
      .thenNothing()
    given(...done)
      .when(fail)
      .thenNothing()
    given(...started)
      .when(failMedia({ ...job, cause: 'c', permanent: true }))
      .then(mediaFailed({ cause: 'c', permanent: true }))
  })

  it('is heard to be for good also after it was given up', () => {
    const forGood = failMedia({ ...job, cause: 'c', permanent: true })
    given(...started, mediaFailed())
      .when(forGood)
      .then(mediaFailed({ cause: 'c', permanent: true }))
    given(...started, mediaFailed({ permanent: true }))
      .when(forGood)
      .thenNothing()
  })

  it('is not that a worker gives it back: the message comes again', () => {
    const giveBack = failMedia({ ...job, cause: 'c', comesAgain: true })
    given(...started)
      .when(giveBack)
      .then(mediaInterrupted({ cause: 'c' }))
    given(...started, mediaFailed())
      .when(giveBack)
      .thenNothing()
    given(...started, mediaInterrupted())
      .when(start)
      .then(mediaStarted())
  })
})

describe('a job of which nothing is heard', () => {
  it('has its message sent again, for the same person and in the same language', () =>
    given(videoAdded(), mediaRequested({ userId: 7, language: 'hi' }), mediaDispatched(), ...seconds(5))
      .when(again)
      .then(mediaRequested({ userId: 7, language: 'hi', attempt: 2 })))

  it('has time: since its message was sent, a worker began, went on or gave it back', () => {
    for (const last of [mediaDispatched(), mediaStarted(), mediaProgressed(), mediaInterrupted()]) {
      given(...sent, ...seconds(9), last, ...seconds(3))
        .when(again)
        .thenNothing()
      const { decision } = given(...started, ...seconds(9), last, ...seconds(4)).when(again)
      expect(decision, last.type).to.have.property('events').with.length(1)
    }
  })

  it('waits for as long as the queue has not taken its message', () =>
    given(videoAdded(), mediaRequested(), ...seconds(50))
      .when(again)
      .thenNothing())

  it('does not wait for a message that is not sent any more, since a worker who seemed to be gone went on meanwhile', () => {
    const goesOn = [...started, mediaRequested({ attempt: 2 }), mediaProgressed()]
    for (const history of [goesOn, [...goesOn, mediaInterrupted()]])
      given(...history, ...seconds(5))
        .when(again)
        .then(mediaRequested({ attempt: 3 }))
  })

  it('is given up after the third silence, with a reason in words', () => {
    const twice = [...sent, mediaRequested({ attempt: 2 }), mediaDispatched({ attempt: 2 })]
    given(...twice, ...seconds(5))
      .when(again)
      .then(mediaRequested({ attempt: 3 }))
    given(...twice, mediaRequested({ attempt: 3 }), mediaDispatched({ attempt: 3 }), ...seconds(5))
      .when(again)
      .then(mediaFailed({ cause: 'no worker answered, asked 3 times' }))
  })

  it('is left alone when it is over', () => {
    for (const history of [done, [...started, mediaFailed()], [videoAdded()], [videoAdded(), hearingAwaited()]])
      given(...history, ...seconds(9))
        .when(again)
        .thenNothing()
  })
})
