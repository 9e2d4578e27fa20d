import { expect } from 'chai'
import { createNote } from '#events/note.ts'
import { mention, videos } from '#events/video.ts'
import { given } from '#test/kit/given.ts'
import {
  metadataStored,
  noteCreated,
  summaryStored,
  transcriptStored,
  VIDEO,
  videoAdded,
  videoTitled,
} from '#test/kit/histories.ts'
import { world } from '#test/kit/world.ts'

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

  it('takes the words of the extension for no title', () =>
    given().when(noting('No YouTube video title found.')).then(videoAdded(), noteCreated()))

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

  it('does not title a video with the words of the extension', () =>
    given(videoAdded()).when(noting('No YouTube video title found.')).then(noteCreated()))

  it('asks nothing of a video with a title', () =>
    expect(mention({ id: 1, title: 'One' }, { videoId: VIDEO, id: 2, title: 'Two' })).to.deep.equal([]))
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

  it('is not there before it is added', () => expect(folded(videoTitled())).to.equal(undefined))

  it('decides nothing by its metadata, transcript or summary', () =>
    expect(folded(videoAdded(), metadataStored(), transcriptStored(), summaryStored())).to.deep.equal({ id: 1, title: null }))
})
