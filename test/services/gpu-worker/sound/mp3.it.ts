import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ffmpegVersion } from '#platform/ffmpeg.ts'
import { processesCalledWith } from '#platform/processes.ts'
import type { SoundError } from '#services/gpu-worker/sound/error.ts'
import { type Mp3Options, secondsOf, toMp3 } from '#services/gpu-worker/sound/mp3.ts'
import { eventually } from '#test/kit/eventually.ts'
import { silence, silentFilm } from '#test/kit/sound.ts'
import { say } from '#test/kit/speech.ts'
import { testListener } from '#test/kit/whisper.ts'

const never = new AbortController().signal
const TEXT = 'Somebody speaks for a long time, and does not come to an end.'

describe('an MP3 of what was downloaded', function () {
  this.timeout(60_000)
  let ffmpeg: string
  let folder: string
  let mp3: string
  before(async function () {
    ffmpeg = (await testListener(this)).ffmpeg
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-sound-'))
    mp3 = join(folder, 'sound.mp3')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const made = (from: string, options: Partial<Mp3Options> = {}) => toMp3(from, mp3, { ffmpeg, signal: never, ...options })
  const refusal = (work: Promise<unknown>): Promise<SoundError> =>
    work.then(
      () => expect.fail('it was made'),
      (error) => error,
    )

  it('has 192 kbit/s and the length of the sound, whatever that was packed in', async () => {
    const seconds = await secondsOf(await say(TEXT), { ffmpeg, signal: never })
    for (const format of ['wav', 'webm', 'm4a', 'mp3'] as const) {
      const told: number[] = []
      const { seconds: length, isCut } = await made(await say(TEXT, { format }), { onProgress: (s) => told.push(s) })
      expect(length, format).to.be.closeTo(seconds, 0.2)
      expect(isCut).to.equal(false)
      expect(await secondsOf(mp3, { ffmpeg, signal: never })).to.be.closeTo(seconds, 0.2)
      expect((readFileSync(mp3).length * 8) / length / 1000).to.be.within(180, 210)
      expect(told.at(-1)).to.equal(length)
      expect(readdirSync(folder)).to.deep.equal(['sound.mp3'])
    }
  })

  it('ends at the longest that is wanted, and says so', async () => {
    const long = await silence(20)
    const { seconds, isCut } = await made(long, { maxSeconds: 5 })
    expect(seconds).to.be.closeTo(5, 0.1)
    expect(isCut).to.equal(true)
    expect((await made(long, { maxSeconds: 30 })).isCut).to.equal(false)
  })

  it('is not made of what has no sound, or is none, and the two are told apart', async () => {
    const empty = join(folder, 'empty')
    writeFileSync(empty, '')
    for (const [file, kind] of [
      [await silentFilm(), 'no-sound'],
      [import.meta.filename, 'unreadable'],
      [empty, 'unreadable'],
      [join(folder, 'not-there.webm'), 'unreadable'],
    ] as const) {
      const error = await refusal(made(file))
      expect(error.kind, file).to.equal(kind)
      expect(error.message).to.match(/^(there is no sound in the file|the file cannot be read as sound \(\w.*\))$/)
    }
    expect(readdirSync(folder)).to.deep.equal(['empty'])
  })

  it('is made of what can be read of a file that was broken off', async () => {
    const whole = readFileSync(await say(TEXT, { format: 'webm', times: 10 }))
    const broken = join(folder, 'broken.webm')
    writeFileSync(broken, whole.subarray(0, whole.length / 2))
    expect((await made(broken)).seconds).to.be.above(5)
  })

  it('is not made when the disk is full, and leaves nothing', async function () {
    if (!existsSync('/dev/full')) this.skip()
    symlinkSync('/dev/full', `${mp3}.part`)
    const error = await refusal(made(await silence(20)))
    expect(error).to.deep.include({ kind: 'disk-full', message: 'the disk is full' })
    expect(readdirSync(folder)).to.deep.equal([])
  })

  it('is not made to its end when it is not wanted any more', async () => {
    const enough = new AbortController()
    const long = await say(TEXT, { times: 150 })
    const onProgress = () => enough.abort(new Error('enough'))
    expect((await refusal(made(long, { signal: enough.signal, onProgress }))).message).to.equal('enough')
    await eventually(() => expect(processesCalledWith(folder)).to.deep.equal([]))
    expect(readdirSync(folder)).to.deep.equal([])
  })

  it('is made of files only: a list of addresses is not followed', async () => {
    const list = join(folder, 'list.m3u8')
    writeFileSync(list, '#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n')
    expect((await refusal(made(list))).kind).to.be.oneOf(['unreadable', 'no-sound'])
  })

  it('takes names as they are', async () => {
    const odd = join(folder, '-i http:.. %d "$(id)".mp3')
    await toMp3(await silence(20), odd, { ffmpeg, signal: never })
    expect(await secondsOf(odd, { ffmpeg, signal: never })).to.be.closeTo(20, 0.1)
  })

  it('needs an ffmpeg, and says what to do about one that is none', async () => {
    expect(await ffmpegVersion(ffmpeg)).to.match(/^[78]\./)
    const none = await ffmpegVersion('/nowhere/ffmpeg').catch((error) => error)
    expect(none.message).to.equal('FFMPEG_PATH /nowhere/ffmpeg cannot be run as ffmpeg: set it to one that can, or unset it')
    expect((await refusal(made(await silence(20), { ffmpeg: '/nowhere/ffmpeg' }))).kind).to.equal('set-up')
  })
})
