import { expect } from 'chai'
import { SearchFailed, youtubeSearch } from '#platform/youtube/search.ts'
import { KEY, startYouTube, type YouTube } from '#test/kit/youtube.ts'

describe('searching YouTube', () => {
  let youtube: YouTube
  beforeEach(async () => {
    youtube = await startYouTube()
  })
  afterEach(() => youtube.close())

  const search = (words: string, { key = KEY, timeoutMs = 5_000 } = {}) =>
    youtubeSearch({ url: youtube.url, key, timeoutMs })(words)
  const fails = async (what: string, options = {}) => {
    const error = await search('x', options).then(
      () => expect.fail('it found something'),
      (error) => error,
    )
    expect(error).to.be.instanceOf(SearchFailed)
    expect(error.message).to.equal(what)
    expect(JSON.stringify([error.message, error.stack, String(error.cause)]), 'the key is not told').not.to.include('only tests')
  }

  it('asks for videos only, as the API wants to be asked', async () => {
    await search('Never gonna')
    expect(Object.fromEntries(youtube.asked[0]!)).to.deep.equal({
      part: 'snippet',
      type: 'video',
      maxResults: '25',
      q: 'Never gonna',
      key: KEY,
    })
  })

  it('seeks words, whatever signs stand in them', async () => {
    const cases = { 'a | b': 'a   b', 'a -b': 'a b', '-x': 'x', 'a - b': 'a - b', 'a-b': 'a-b', 'Ü & "q" +#': 'Ü & "q" +#' }
    for (const [words, q] of Object.entries(cases)) {
      await search(words)
      expect(youtube.asked.at(-1)!.get('q'), words).to.equal(q)
    }
  })

  it('gives titles as people read them, the best first', async () => {
    youtube.videos = [
      { videoId: 'dQw4w9WgXcQ', title: 'Tom &amp; Jerry&#39;s &quot;best&quot; &lt;3 &#x1F600; &unknown; &amp;lt;' },
      { videoId: 'aaaaaaaaaaa', title: '' },
    ]
    expect(await search('x')).to.deep.equal([
      { videoId: 'dQw4w9WgXcQ', title: 'Tom & Jerry\'s "best" <3 😀 &unknown; &lt;' },
      { videoId: 'aaaaaaaaaaa', title: '' },
    ])
  })

  it('leaves out what is no video', async () => {
    youtube.videos = [{ videoId: 'a channel', title: 'x' }]
    expect(await search('x')).to.deep.equal([])
  })

  it('says why it could not', async () => {
    await fails('it answered 400 badRequest', { key: 'another key that only tests use' })
    youtube.mood = 'exhausted'
    await fails('it answered 403 quotaExceeded')
    youtube.mood = 'babbling'
    await fails('its answer has an unknown form')
    youtube.mood = 'mute'
    await fails('it did not answer within 50 ms', { timeoutMs: 50 })
    youtube.mood = 'elsewhere'
    await fails('TypeError')
  })

  it('says that nobody is there', async () => {
    await youtube.close()
    await fails('ECONNREFUSED')
    youtube = await startYouTube()
  })
})
