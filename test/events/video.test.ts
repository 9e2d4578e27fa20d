import { expect } from 'chai'
import { createNote } from '#events/note.ts'
import {
  hasMetadata,
  hasTranscript,
  mention,
  storeMetadata,
  storeSummary,
  storeTranscript,
  useOf,
  videos,
} from '#events/video.ts'
import { given } from '#test/kit/given.ts'
import {
  metadataStored,
  noteCreated,
  questionsSuggested,
  summaryStored,
  transcriptSetAside,
  transcriptStored,
  VIDEO,
  videoAdded,
  videoTitled,
} from '#test/kit/histories.ts'
import { world } from '#test/kit/world.ts'
import { PLACEHOLDERS } from './placeholders.ts'

const noting = (videoTitle?: string | null) =>
  createNote({ userId: 1, videoId: VIDEO, timestamp: '1:23', text: 'mine', videoTitle })

describe('mentioning a video', () => {
  it('adds it when it is new, under the number drawn', () =>
    given()
      .when(noting(), { video: 5, note: 1 })
      .then(videoAdded({ id: 5 }), noteCreated()))

  it('adds it with its title', () =>
    given()
      .when(noting('One'))
      .then(videoAdded({ title: 'One' }), noteCreated()))

  it('adds it with an empty title as it was given', () =>
    given()
      .when(noting(''))
      .then(videoAdded({ title: '' }), noteCreated()))

  it('adds it without a title when there is none', () => given().when(noting(null)).then(videoAdded(), noteCreated()))

  for (const none of PLACEHOLDERS)
    it(`takes ${JSON.stringify(none)} for no title`, () => {
      given().when(noting(none)).then(videoAdded(), noteCreated())
      given(videoAdded()).when(noting(none)).then(noteCreated())
    })

  it('gives it a title when a placeholder was recorded as one', () => {
    const titled = [videoTitled({ title: 'One' }), noteCreated()]
    given(videoAdded({ title: 'No YouTube video found.' }))
      .when(noting('One'))
      .then(...titled)
    given(videoAdded(), videoTitled({ title: 'No YouTube video found.' }))
      .when(noting('One'))
      .then(...titled)
  })

  it('adds it once', () => given(videoAdded()).when(noting()).then(noteCreated()))

  it('gives it a title when it had none', () =>
    given(videoAdded())
      .when(noting('One'))
      .then(videoTitled({ title: 'One' }), noteCreated()))

  it('gives it a title when it had an empty one', () =>
    given(videoAdded({ title: '' }))
      .when(noting('One'))
      .then(videoTitled({ title: 'One' }), noteCreated()))

  it('leaves the title it has', () =>
    given(videoAdded({ title: 'One' }))
      .when(noting('Two'))
      .then(noteCreated()))

  it('leaves the title it was given later', () =>
    given(videoAdded(), videoTitled({ title: 'One' }))
      .when(noting('Two'))
      .then(noteCreated()))

  it('never makes the title empty', () => given(videoAdded()).when(noting('')).then(noteCreated()))

  it('asks nothing of a video with a title', () =>
    expect(mention({ id: 1, title: 'One' }, { videoId: VIDEO, id: 2, title: 'Two' })).to.deep.equal([]))
})

describe('storing what was found out about a video', () => {
  const { s3Key, rows, sizeBytes, sha256 } = transcriptStored().data
  const transcript = { s3Key, rows, sizeBytes, sha256 }
  const metadata = metadataStored().data.metadata
  const transcribe = (but: object = {}) => storeTranscript({ videoId: VIDEO, transcript: { ...transcript, ...but } })
  const empty = { rows: 0, sizeBytes: 2, sha256: 'e' }

  it('adds the video when it is new', () => {
    given()
      .when(transcribe(), { video: 5 })
      .then(videoAdded({ id: 5 }), transcriptStored())
    given()
      .when(storeMetadata({ videoId: VIDEO, metadata }))
      .then(videoAdded(), metadataStored())
    given()
      .when(storeSummary({ videoId: VIDEO, summary: '' }))
      .then(videoAdded(), summaryStored({ summary: '' }))
    given()
      .when(storeSummary({ videoId: VIDEO }))
      .then(videoAdded())
  })

  it('says nothing of what is so already', () => {
    given(videoAdded(), transcriptStored()).when(transcribe()).thenNothing()
    given(videoAdded(), metadataStored())
      .when(storeMetadata({ videoId: VIDEO, metadata }))
      .thenNothing()
    given(videoAdded(), summaryStored(), questionsSuggested())
      .when(storeSummary({ videoId: VIDEO, summary: 'A promise.', questions: ['Why?', 'How?', 'When?'] }))
      .thenNothing()
    given(videoAdded(), summaryStored())
      .when(storeSummary({ videoId: VIDEO }))
      .thenNothing()
  })

  it('replaces what is different', () => {
    given(videoAdded(), transcriptStored())
      .when(transcribe({ sha256: 'other' }))
      .then(transcriptStored({ sha256: 'other' }))
    given(videoAdded(), metadataStored())
      .when(storeMetadata({ videoId: VIDEO, metadata: '{}' }))
      .then(metadataStored({ metadata: '{}' }))
    given(videoAdded(), summaryStored())
      .when(storeSummary({ videoId: VIDEO, summary: '', questions: ['a', 'b', 'c'] }))
      .then(summaryStored({ summary: '' }), questionsSuggested({ questions: ['a', 'b', 'c'] }))
  })

  it('leaves a transcript with rows when an empty one comes', () => {
    given(videoAdded()).when(transcribe(empty)).then(transcriptStored(empty))
    given(videoAdded(), transcriptStored()).when(transcribe(empty)).thenNothing()
    given(videoAdded(), transcriptStored(empty)).when(transcribe()).then(transcriptStored())
  })
})

describe('what a transcript is to a video', () => {
  const captions = { sha256: 'c', rows: 3 }
  const speech = { sha256: 's', rows: 2, origin: 'speech' as const }
  const text = { sha256: 't', rows: 2, origin: 'text' as const }
  const empty = { sha256: 'e', rows: 0 }
  const having = (...history: Parameters<typeof given>) => {
    const after = world()
    after.append([videoAdded(), ...history])
    return after.state(videos.of(VIDEO))
  }

  it('used, when there was none with rows', () => {
    for (const one of [captions, speech, text, empty]) {
      expect(useOf(undefined, one)).to.equal('used')
      expect(useOf(having(), one)).to.equal('used')
    }
    for (const one of [captions, speech, text]) expect(useOf(having(transcriptStored(empty)), one)).to.equal('used')
    expect(useOf(having(transcriptStored({ ...empty, origin: 'speech' })), captions), 'nothing was heard').to.equal('used')
  })

  it('set aside, when notes were made from one of another kind, or from another hearing', () => {
    for (const used of [speech, text]) expect(useOf(having(transcriptStored(used)), captions)).to.equal('aside')
    for (const heard of [speech, text]) expect(useOf(having(transcriptStored(captions)), heard)).to.equal('aside')
    expect(useOf(having(transcriptStored(speech)), { ...speech, sha256: 'other' })).to.equal('aside')
  })

  it('used in place of older captions, as it always was', () =>
    expect(useOf(having(transcriptStored(captions)), { ...captions, sha256: 'other' })).to.equal('used'))

  it('used in place of any, when somebody says so; but never an empty one', () => {
    for (const used of [captions, speech]) {
      const video = having(transcriptStored(used))
      for (const one of [captions, speech].filter((one) => one !== used)) expect(useOf(video, one, true)).to.equal('used')
      expect(useOf(video, empty, true)).to.equal('known')
    }
  })

  it('known, when it is used or lies aside already', () => {
    const video = having(transcriptStored(speech), transcriptSetAside(captions))
    for (const one of [speech, captions]) expect(useOf(video, one)).to.equal('known')
    expect(useOf(video, { ...captions, sha256: 'later' }), 'the newest lies aside').to.equal('aside')
  })

  it('told in one event, or in none', () => {
    const lies = { s3Key: 'k', sizeBytes: 9 }
    const store = (transcript: typeof captions, replace = false) =>
      storeTranscript({ videoId: VIDEO, transcript: { ...lies, ...transcript }, replace })
    const heard = [videoAdded(), transcriptStored({ ...lies, ...speech })]
    given(...heard)
      .when(store(captions))
      .then(transcriptSetAside({ ...lies, ...captions }))
    given(...heard)
      .when(store(captions, true))
      .then(transcriptStored({ ...lies, ...captions }))
    given(...heard, transcriptSetAside(captions))
      .when(store(captions))
      .thenNothing()
  })

  it('remembered with who made it and as what it was heard', () =>
    expect(having(transcriptStored({ ...speech, language: 'hi', model: 'large-v3' }))?.transcript).to.include({
      origin: 'speech',
      language: 'hi',
    }))
})

describe('a video', () => {
  const folded = (...history: Parameters<typeof given>) => {
    const after = world()
    after.append(history)
    return after.state(videos.of(VIDEO))
  }

  it('begins when it is added', () => expect(folded(videoAdded({ id: 5, title: 'One' }))).to.deep.equal({ id: 5, title: 'One' }))

  it('has the title it was given', () =>
    expect(folded(videoAdded({ id: 5 }), videoTitled({ title: 'One' }))).to.deep.equal({ id: 5, title: 'One' }))

  it('is not there before it is added', () =>
    expect(folded(videoTitled(), metadataStored(), transcriptStored(), summaryStored(), questionsSuggested())).to.equal(
      undefined,
    ))

  it('has metadata when it says something', () => {
    expect(hasMetadata(folded(videoAdded()))).to.equal(false)
    for (const metadata of ['{}', ' { } '])
      expect(hasMetadata(folded(videoAdded(), metadataStored({ metadata })))).to.equal(false)
    expect(hasMetadata(folded(videoAdded(), metadataStored()))).to.equal(true)
    expect(hasMetadata(undefined)).to.equal(false)
  })

  it('has a transcript when that has rows', () => {
    expect(hasTranscript(folded(videoAdded()))).to.equal(false)
    expect(hasTranscript(folded(videoAdded(), transcriptStored({ rows: 0 })))).to.equal(false)
    expect(hasTranscript(folded(videoAdded(), transcriptStored()))).to.equal(true)
  })

  it('does not carry texts of any length into decisions', () => {
    const long = JSON.stringify({ description: 'x'.repeat(100_000) })
    const state = folded(
      videoAdded(),
      metadataStored({ metadata: long }),
      transcriptStored(),
      summaryStored({ summary: long }),
      questionsSuggested({ questions: [long] }),
    )
    expect(JSON.stringify(state).length).to.be.lessThan(400)
  })
})
