import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { identity } from '#platform/processes.ts'
import type { Listener } from '#platform/whisper/install.ts'
import type { HearingError } from '#services/gpu-worker/ports.ts'
import { openTranscriber, type TranscriberOptions } from '#services/gpu-worker/transcriber/transcriber.ts'
import { eventually } from '#test/kit/eventually.ts'
import { randomWhisper } from '#test/kit/random-whisper.ts'
import { silence } from '#test/kit/sound.ts'
import { say } from '#test/kit/speech.ts'
import { testListener, whisperData } from '#test/kit/whisper.ts'

const never = new AbortController().signal
const refusal = (work: Promise<unknown>): Promise<HearingError> =>
  work.then(
    () => expect.fail('it was heard'),
    (error) => error,
  )

describe('what hears, when it dies', function () {
  this.timeout(120_000)
  let listener: Listener
  let long: string
  let quiet: string
  let model: string
  before(async function () {
    listener = await testListener(this)
    model = await randomWhisper(listener)
    long = await say('Somebody speaks for a long time, and does not come to an end.', { times: 150 })
    quiet = await silence(20)
  })

  const open: ReturnType<typeof openTranscriber>[] = []
  afterEach(async () => {
    for (const transcriber of open.splice(0)) await transcriber.close()
  })
  function opened(options: Partial<TranscriberOptions> = {}) {
    const env = { ...process.env, HF_HUB_OFFLINE: '1' }
    const models = whisperData
    const transcriber = openTranscriber({ listener: async () => listener, models, model, device: 'cpu', env, ...options })
    open.push(transcriber)
    return transcriber
  }

  it('is begun again for the next file after it was killed at its work', async () => {
    const transcriber = opened()
    const killed = transcriber.hear(long, {
      signal: never,
      onProgress: () => transcriber.pid && process.kill(transcriber.pid, 'SIGKILL'),
    })
    const error = await refusal(killed)
    expect(error.kind).to.equal('died')
    expect(error.message).to.match(/was killed \(SIGKILL\) while it was hearing, perhaps for want of memory$/)
    expect((await transcriber.hear(quiet, { signal: never })).rows).to.deep.equal([])
  })

  it('stops at once when its work is not wanted any more, and hears the next file', async () => {
    const transcriber = opened()
    const enough = new AbortController()
    let pid: number | undefined
    const aborted = transcriber.hear(long, {
      signal: enough.signal,
      onProgress: () => {
        pid = transcriber.pid
        enough.abort(new Error('enough'))
      },
    })
    expect(await refusal(aborted)).to.equal(enough.signal.reason)
    await eventually(() => expect(identity(pid!)).to.equal(undefined))
    expect((await transcriber.hear(quiet, { signal: never })).rows).to.deep.equal([])
  })

  it('is not begun for what is not wanted, nor waited for by it', async () => {
    const transcriber = opened({ listener: () => new Promise(() => {}) })
    expect((await refusal(transcriber.hear(quiet, { signal: AbortSignal.abort(new Error('early')) }))).message).to.equal('early')
    const enough = new AbortController()
    const first = refusal(transcriber.hear(quiet, { signal: enough.signal }))
    const waiting = refusal(transcriber.hear(quiet, { signal: enough.signal }))
    enough.abort(new Error('enough'))
    expect([(await first).message, (await waiting).message]).to.deep.equal(['enough', 'enough'])
    expect(transcriber.pid).to.equal(undefined)
  })

  it('says that it ran out of memory, and is begun again with all of it', async function () {
    if (process.platform !== 'linux') this.skip()
    const transcriber = opened({ script: join(import.meta.dirname, '../python/short_of_memory.py') })
    const error = await refusal(transcriber.hear(await silence(1_100), { signal: never }))
    expect(error.kind).to.equal('died')
    expect(error.message).to.match(/ran out of memory/)
    expect((await transcriber.hear(quiet, { signal: never })).rows).to.deep.equal([])
  })

  it('ends when whoever asked was killed', async () => {
    const file = join(import.meta.dirname, '../../../../services/gpu-worker/transcriber/transcriber.ts')
    const options = JSON.stringify({ models: whisperData, model, device: 'cpu' })
    const script = `const { openTranscriber } = await import('${file}')
      const t = openTranscriber({ ...${options}, listener: async () => (${JSON.stringify(listener)}) })
      t.hear('${long}', { signal: new AbortController().signal, onProgress: () => console.log(t.pid) })`
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
    const asking = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [pid] = await once(asking.stdout.setEncoding('utf8'), 'data')
    expect(identity(Number.parseInt(pid, 10))).to.be.a('string')
    asking.kill('SIGKILL')
    await eventually(() => expect(identity(Number.parseInt(pid, 10))).to.equal(undefined))
  })

  it('is closed with its work, and hears no more', async () => {
    const transcriber = opened()
    const closed = refusal(transcriber.hear(long, { signal: never, onProgress: () => void transcriber.close() }))
    expect((await closed).kind).to.equal('died')
    expect((await refusal(transcriber.hear(quiet, { signal: never }))).message).to.equal('hearing was ended')
  })
})

describe('what hears, when it does not behave', () => {
  let folder: string
  let script: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-hearing-'))
    script = join(folder, 'child.mjs')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const READY = `const tell = (message) => process.stdout.write(JSON.stringify(message) + '\\n')
    tell({ ready: { device: 'cpu', compute_type: 'int8', threads: 1, load_seconds: 0, note: null } })
    const beating = setInterval(() => tell({ beat: false }), 20)
    process.stdin.on('data', (line) => asked(JSON.parse(line)))\n`
  const DONE = `tell({ done: { id, language: 'en', language_probability: 1, seconds: 9 } })`

  /** What comes of a file with a child that is this program of Node’s. */
  async function hearing(program: string): Promise<HearingError> {
    writeFileSync(script, program)
    const listener = async () => ({ path: process.execPath, version: '1', ffmpeg: '', libraries: [] })
    const transcriber = openTranscriber({
      listener,
      models: folder,
      model: 'm',
      device: 'cpu',
      script,
      silenceMs: 1_500,
      stepMs: 3_000,
    })
    try {
      const error = await refusal(transcriber.hear('/tmp/x', { signal: never }))
      expect(error.kind).to.equal('died')
      expect(transcriber.pid).to.equal(undefined)
      return error
    } finally {
      await transcriber.close()
    }
  }

  for (const [what, program, message] of [
    ['says nothing at all', 'setInterval(() => {}, 1000)', /gave no sign of life for 1.5 seconds while it was loading/],
    [
      'falls silent at its work',
      `${READY} function asked() { clearInterval(beating) }`,
      /no sign of life .* while it was hearing/,
    ],
    ['lives but does not get on', `${READY} function asked() {}`, /made no progress for 3 seconds while it was hearing/],
    ['writes a line without an end', 'for (;;) process.stdout.write("x".repeat(1e5))', /wrote a line without an end/],
    [
      'writes what nobody understands',
      'console.log("Loading …"); setInterval(() => {}, 1000)',
      /wrote an unreadable line: Loading …/,
    ],
    [
      'ends',
      'console.error("all is lost"); process.exit(3)',
      /ended by itself \(3\) while it was loading its model, saying “all is lost”/,
    ],
    ['ends at its work', `${READY} function asked() { process.exit() }`, /ended by itself \(0\) while it was hearing/],
    [
      'fails',
      `${READY} function asked({ id }) { tell({ error: { id, kind: 'failed', message: 'RuntimeError: x' } }) }`,
      /failed: RuntimeError: x/,
    ],
  ] as const)
    it(`is ended and told of when it ${what}`, async () => expect((await hearing(program)).message).to.match(message))

  it('is heard in spite of answers to what was asked before', async () => {
    const late = `const other = { id: id + 7 }; tell({ segment: { ...other, text: 'old', offset: 0, duration: 1 } });
      tell({ done: { ...other, language: 'de', language_probability: 1, seconds: 1 } })`
    const mine = `tell({ segment: { id, text: 'new', offset: 0, duration: 1 } })`
    writeFileSync(script, `${READY} function asked({ id }) { ${late}; ${mine}; ${DONE} }`)
    const listener = async () => ({ path: process.execPath, version: '1', ffmpeg: '', libraries: [] })
    const transcriber = openTranscriber({ listener, models: folder, model: 'm', device: 'cpu', script })
    const { rows, language } = await transcriber.hear('/tmp/x', { signal: never })
    await transcriber.close()
    expect({ rows, language }).to.deep.equal({ rows: [{ text: 'new', offset: 0, duration: 1 }], language: 'en' })
  })
})
