import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { processesCalledWith } from '#platform/processes.ts'
import type { YtDlp } from '#platform/ytdlp/install.ts'
import { CutShort } from '#platform/ytdlp/run.ts'
import type { Verdict } from '#platform/ytdlp/verdict.ts'
import { NotHad, withVideo } from '#platform/ytdlp/video.ts'
import { metadataOf } from '#services/helpers/metadata/fields.ts'
import { fetchTranscript } from '#services/helpers/transcript/fetch.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type Failure, type PageVideo, startYoutubePages, type YoutubePages } from '#test/kit/youtube-pages.ts'
import { testYtDlp } from '#test/kit/yt-dlp.ts'

const SAID = [
  ['hello there', 0.5, 2],
  ['how are you', 2.5, 1.5],
  ['[Music]', 4, 1],
] as const
const ROWS = SAID.map(([text, offset, duration]) => ({ text, offset, duration }))

describe('the real yt-dlp at a video', function () {
  this.timeout(60_000)
  let pages: YoutubePages
  let ytDlp: YtDlp
  let data: string
  let warnings: Verdict[]
  const home = process.env.XDG_CONFIG_HOME
  before(async function () {
    ytDlp = await testYtDlp(this)
    pages = await startYoutubePages()
    // It looks for its plugins there.
    process.env.XDG_CONFIG_HOME = pages.env.XDG_CONFIG_HOME
    data = mkdtempSync(join(tmpdir(), 'vidwiz-fetch-'))
  })
  after(async () => {
    if (home === undefined) delete process.env.XDG_CONFIG_HOME
    else process.env.XDG_CONFIG_HOME = home
    if (data) rmSync(data, { recursive: true })
    await pages?.close()
  })
  beforeEach(() => {
    warnings = []
  })

  let videos = 0
  const videoOf = (video: PageVideo): string => {
    const id = `fetch${String(++videos).padStart(6, '0')}`
    pages.videos[id] = video
    return id
  }
  const options = (more: { ytDlp?: YtDlp; watchUrl?: string; timeoutMs?: number; signal?: AbortSignal } = {}) => ({
    ytDlp,
    ways: {},
    watchUrl: pages.env.YOUTUBE_WATCH_URL,
    data,
    timeoutMs: 50_000,
    signal: new AbortController().signal,
    onWarning: (verdict: Verdict) => warnings.push(verdict),
    ...more,
  })
  const transcript = (id: string, more = {}, isInDoubt = false) =>
    withVideo(id, options(more), (video) => fetchTranscript(video, isInDoubt))
  const verdict = async (id: string, isInDoubt = false): Promise<Verdict> => {
    const error = await transcript(id, {}, isInDoubt).then(
      () => expect.fail('it was had'),
      (error) => error,
    )
    if (!(error instanceof NotHad)) throw error
    return error.verdict
  }
  afterEach(() => expect(readdirSync(join(data, 'yt-dlp', 'work')), 'left behind').to.deep.equal([]))

  for (const format of ['json3', 'vtt'] as const)
    it(`takes captions in ${format}, with one visit to the page and one to the captions`, async () => {
      const id = videoOf({ captions: [{ language: 'en', format, said: SAID }] })
      expect(await transcript(id)).to.deep.equal({
        result: { transcript: ROWS },
        told: { rows: 3, language: 'en', isAutomatic: false, isOriginal: false },
      })
      expect([pages.hits(id), pages.hits(id, 'captions')]).to.deep.equal([1, 1])
    })

  it('takes json3 where there are both', async () => {
    const said = [['of the other format', 0, 1]] as const
    const vtt = videoOf({
      captions: [
        { language: 'en', format: 'vtt', said },
        { language: 'en', format: 'json3', said: SAID },
      ],
    })
    expect((await transcript(vtt)).result).to.deep.equal({ transcript: ROWS })
  })

  it('takes automatic captions of the language that is spoken, merged, and never a translation', async () => {
    const id = videoOf({ captions: [{ language: 'de', format: 'vtt', said: SAID, isAutomatic: true }] })
    const { result, told } = await transcript(id)
    expect((result.transcript as { text: string }[]).map(({ text }) => text)).to.deep.equal(SAID.map(([text]) => text))
    expect(told).to.deep.equal({ rows: 3, language: 'de', isAutomatic: true, isOriginal: true })
  })

  it('takes the tracks of an ordinary page, for demonstrations', async () => {
    const id = videoOf({ captions: [{ language: 'en', format: 'json3', said: SAID }] })
    expect((await transcript(id, { watchUrl: pages.plainUrl })).result).to.deep.equal({ transcript: ROWS })
  })

  it('takes the metadata', async () => {
    const told = { title: 'A title', uploader: 'Ann', upload_date: '20260102', duration: 212, view_count: 7, like_count: 1 }
    const more = {
      channel: 'Ann',
      channel_url: 'https://x/c',
      uploader_url: 'https://x/u',
      description: 'äöü',
      thumbnail: 'https://x/t',
    }
    const id = videoOf({ metadata: { ...told, ...more } })
    const metadata = await withVideo(id, options(), async (video) => metadataOf(id, (await video.info()).info))
    expect(metadata).to.deep.equal({ id, ...told, ...more, duration_string: '3:32' })
  })

  for (const [failure, meaning] of [
    ['bot-check', 'stop'],
    ['rate-limited', 'stop'],
    ['captcha', 'stop'],
    [429, 'stop'],
    [403, 'later'],
    [500, 'later'],
    ['upcoming', 'later'],
    ['private', 'never'],
    ['removed', 'never'],
    ['members-only', 'never'],
    ['age', 'never'],
    ['region', 'never'],
    ['drm', 'never'],
  ] as [Failure, Verdict['meaning']][])
    it(`says ${meaning} of one that is not to be had: ${failure}`, async () =>
      expect(await verdict(videoOf({ failure }))).to.include({ meaning }))

  it('says stop when the captions alone are refused', async () => {
    const id = videoOf({ captions: [{ language: 'en', format: 'json3', said: SAID, status: 429 }] })
    expect(await verdict(id)).to.include({ meaning: 'stop' })
  })

  it('says never of one without captions, unless there is reason to doubt it', async () => {
    expect(await verdict(videoOf({}))).to.deep.equal({ meaning: 'never', reason: 'there are no captions' })
    expect(await verdict(videoOf({}), true)).to.include({ meaning: 'later' })
    const warnings = [
      'There are missing subtitles languages because a PO token was not provided. Automatic captions for 1 languages are missing.',
    ]
    expect(await verdict(videoOf({ warnings }))).to.include({ meaning: 'later' })
    expect(await verdict(videoOf({ metadata: { live_status: 'is_live' } }))).to.include({ meaning: 'later' })
    expect(await verdict(videoOf({ captions: [{ language: 'en', format: 'json3', said: [] }] }))).to.include({ meaning: 'never' })
  })

  it('says never of captions that would not go into memory', async () => {
    const id = videoOf({ captions: [{ language: 'en', format: 'json3', said: [['x'.repeat(65 * 1024 * 1024), 0, 1]] }] })
    expect(await verdict(id)).to.include({ meaning: 'never' })
  })

  it('warns of our own set-up, also when it finds something', async () => {
    const warning = 'n challenge solving failed: Some formats may be missing. Ensure you have a supported JavaScript runtime'
    const id = videoOf({ warnings: [warning], captions: [{ language: 'en', format: 'json3', said: SAID }] })
    expect((await transcript(id)).result).to.deep.equal({ transcript: ROWS })
    expect(warnings).to.have.length.greaterThan(0)
    for (const { remedy } of warnings) expect(remedy).to.contain('helpers update')
  })

  for (const why of ['late', 'stopped'] as const)
    it(`is killed, with all that it started, when it is ${why}`, async () => {
      const id = videoOf({ failure: 'hangs' })
      const stop = new AbortController()
      const wrapper = join(data, 'with-a-child')
      writeFileSync(wrapper, `#!/bin/sh\nsleep 3007.${videos} &\nexec '${ytDlp.path}' "$@"\n`, { mode: 0o755 })
      const bounds = why === 'late' ? { timeoutMs: 8_000 } : { signal: stop.signal }
      const ended = transcript(id, { ...bounds, ytDlp: { ...ytDlp, path: wrapper } }).catch((error) => error)
      await eventually(() => expect(pages.hits(id)).to.equal(1))
      expect(processesCalledWith(`sleep 3007.${videos}`)).to.have.length(1)
      const began = performance.now()
      if (why === 'stopped') stop.abort()
      expect(await ended)
        .to.be.instanceOf(CutShort)
        .and.to.include({ why })
      // By itself it would give up after fifteen seconds.
      expect(performance.now() - began).to.be.lessThan(12_000)
      await eventually(() => expect(processesCalledWith(`sleep 3007.${videos}`)).to.deep.equal([]))
      await eventually(() => expect(processesCalledWith(id)).to.deep.equal([]))
    })
})
