import { join } from 'node:path'
import { expect } from 'chai'
import type { Listener } from '#platform/whisper/install.ts'
import type { Heard, HearingError, Transcriber } from '#services/gpu-worker/ports.ts'
import { openTranscriber, type TranscriberOptions } from '#services/gpu-worker/transcriber/transcriber.ts'
import { againAfter, silence, silentFilm } from '#test/kit/sound.ts'
import { say } from '#test/kit/speech.ts'
import { testListener, tinyWhisper, whisperData } from '#test/kit/whisper.ts'
import { wordError } from '#test/kit/word-error.ts'

const SAID = `The history of the bicycle begins in the early nineteenth century. A German baron built a running machine with two wheels
and no pedals. People pushed it along with their feet. Forty years later, inventors in France added pedals to the front wheel. The ride
was so rough that people called it the bone shaker. Rubber tyres filled with air made it comfortable at last.`

const never = new AbortController().signal

describe('hearing', function () {
  this.timeout(180_000)
  let listener: Listener
  let transcriber: Transcriber
  let speech: string
  before(async function () {
    listener = await testListener(this)
    speech = await say(SAID, { format: 'mp3' })
    transcriber = opened({ model: await tinyWhisper() })
  })
  after(() => transcriber?.close())

  const opened = (options: Partial<TranscriberOptions> & { model: string }) =>
    openTranscriber({
      listener: async () => listener,
      models: whisperData,
      device: 'cpu',
      threads: 2,
      env: { ...process.env, HF_HUB_OFFLINE: '1' },
      ...options,
    })

  const refusal = (work: Promise<unknown>): Promise<HearingError> =>
    work.then(
      () => expect.fail('it was heard'),
      (error) => error,
    )

  it('writes down what is said, in order, inside the length, at most one word in five wrong', async () => {
    const told: [number, number][] = []
    const heard = await transcriber.hear(speech, { signal: never, onProgress: (...progress) => told.push(progress) })
    expect(heard).to.include({ language: 'en', model: 'model' })
    expect(heard.seconds).to.be.within(20, 40)
    expect(wordError(SAID, textOf(heard))).to.be.at.most(0.2)
    inOrder(heard)
    // Rows are where the words are: the last one ends near the end.
    const last = heard.rows.at(-1)!
    expect(last.offset + last.duration).to.be.within(heard.seconds - 3, heard.seconds)
    expect(heard.rows.length).to.be.at.least(3)
    expect(told.length).to.be.at.least(heard.rows.length)
    for (const [seconds, of] of told) expect(seconds).to.be.within(0, of)
    expect(told.at(-1)![0]).to.be.closeTo(heard.seconds, 0.1)
  })

  it('says what it runs on', async () => expect(await transcriber.device()).to.equal('cpu, int8'))

  it('writes nothing down where nobody speaks', async () => {
    const { rows, language, seconds } = await transcriber.hear(await silence(20), { signal: never })
    expect({ rows, language }).to.deep.equal({ rows: [], language: 'und' })
    expect(seconds).to.be.closeTo(20, 0.1)
  })

  it('hears a long file in pieces, whose rows are at their time', async () => {
    // The second time is said across the end of the first piece, so that piece must be cut before it.
    const inPieces = opened({ model: await tinyWhisper(), script: join(import.meta.dirname, '../python/small_pieces.py') })
    const heard = await inPieces.hear(await againAfter(speech, 35), { signal: never })
    await inPieces.close()
    inOrder(heard)
    const second = heard.rows.filter(({ offset }) => offset > 33)
    expect(second[0]!.offset).to.be.within(34, 37)
    expect(wordError(SAID, second.map(({ text }) => text).join(' '))).to.be.at.most(0.2)
    expect(wordError(`${SAID} ${SAID}`, textOf(heard))).to.be.at.most(0.2)
  })

  it('tells what is no sound, and hears the next file all the same', async () => {
    for (const [file, message] of [
      [import.meta.filename, /cannot be read as sound \(Invalid data/],
      [await silentFilm(), /^there is no sound in the file$/],
      ['/nowhere/at-all.mp3', /there is no such file/],
      ['/tmp', /cannot be read as sound/],
    ] as const) {
      const error = await refusal(transcriber.hear(file, { signal: never }))
      expect(error.kind, file).to.equal('bad-audio')
      expect(error.message).to.match(message)
    }
    expect((await transcriber.hear(await silence(20), { signal: never })).rows).to.deep.equal([])
  })

  it('hears one file after the other when several are given to it', async () => {
    const quiet = await silence(20)
    const all = await Promise.all([speech, quiet, quiet].map((file) => transcriber.hear(file, { signal: never })))
    expect(all.map(({ rows }) => rows.length > 0)).to.deep.equal([true, false, false])
  })

  describe('with a model that is none', () => {
    for (const [model, message] of [
      ['/nowhere/large-v3', /WHISPER_MODEL \/nowhere\/large-v3 is not there/],
      ['./models/large-v3', /is not there/],
      ['large-v9', /WHISPER_MODEL large-v9 is unknown: .* large-v3/],
      ['/tmp', /WHISPER_MODEL \/tmp is no model for faster-whisper: there is no model\.bin/],
      ['someone/whisper', /someone\/whisper could not be downloaded/],
    ] as const)
      it(`says what to do: ${model}`, async () => {
        const transcriber = opened({ model })
        const error = await refusal(transcriber.device())
        expect(error.kind).to.equal('set-up')
        expect(error.message).to.match(message)
        await transcriber.close()
      })

    it('is begun again for each file, in case that somebody has mended it', async () => {
      const transcriber = opened({ model: './models/large-v3' })
      for (const _ of [1, 2]) expect((await refusal(transcriber.hear(speech, { signal: never }))).kind).to.equal('set-up')
      await transcriber.close()
    })

    it('says what to do without CUDA, and with a type that there is not', async () => {
      const model = await tinyWhisper()
      const cuda = await refusal(opened({ model, device: 'cuda' }).device())
      expect(cuda.message).to.match(/cannot be loaded on cuda \(.*\): see to its driver, or set WHISPER_DEVICE=cpu/)
      const type = await refusal(opened({ model, computeType: 'int9' }).device())
      expect(type.message).to.match(/Invalid compute type.*see to WHISPER_MODEL and WHISPER_COMPUTE_TYPE/)
    })
  })
})

const textOf = ({ rows }: Heard) => rows.map(({ text }) => text).join(' ')

function inOrder({ rows, seconds }: Heard) {
  let previous = 0
  for (const { text, offset, duration } of rows) {
    expect(text).to.equal(text.trim()).and.not.equal('')
    expect(offset).to.be.at.least(previous)
    expect(duration).to.be.above(0)
    expect(offset + duration).to.be.at.most(seconds + 0.001)
    previous = offset
  }
}
