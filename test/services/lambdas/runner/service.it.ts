import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { ADMIN_TOKEN, MODEL_KEY, NOTE, rows, startWorld, type World, zipFolder } from '../world.ts'

const VIDEO = 'dQw4w9WgXcQ'
const main = fileURLToPath(new URL('../../../../services/process.ts', import.meta.url))

describe('the runner as a service', () => {
  let world: World
  let child: ChildProcess | undefined
  let output: string
  beforeEach(async () => {
    world = await startWorld()
  })
  afterEach(async () => {
    child?.kill('SIGKILL')
    await world.stop()
  })

  function start(env: Record<string, string> = {}) {
    const { PATH, HOME } = process.env
    output = ''
    const started = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'lambda-runner'], {
      env: {
        PATH,
        HOME,
        ...world.aws.env,
        VIDWIZ_DATA: zipFolder(),
        ADMIN_TOKEN,
        VIDWIZ_ENDPOINT: world.api.url,
        GEMINI_API_KEY: MODEL_KEY,
        GEMINI_BASE_URL: world.model.url,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (chunk) => {
        output += chunk
      })
    child = started
    return started
  }

  it('finishes on SIGTERM what is in the middle, saves and deletes it, and leaves no process behind', async () => {
    const held = Promise.withResolvers<void>()
    world.model.answer(async function* () {
      await held.promise
      yield NOTE
    })
    await world.aws.put(VIDEO, rows)
    for (const id of [1, 2, 3])
      await world.aws.send(world.aws.queues.notes, { id, video_id: VIDEO, timestamp: '1:23', user_id: 7 })
    const runner = start()
    await eventually(() => expect(world.model.asked).to.have.length(3))
    const [pid] = /"pid":(\d+)/.exec(output)!.slice(1).map(Number)
    runner.kill('SIGTERM')
    await eventually(() => expect(output).to.include('stopping'))
    held.resolve()
    expect(await once(runner, 'exit'), output).to.deep.equal([0, null])
    expect(world.api.calls.filter(({ method }) => method === 'PATCH')).to.have.length(3)
    expect(await world.aws.count(world.aws.queues.notes)).to.deep.equal({ visible: 0, hidden: 0 })
    await eventually(() => expect(() => process.kill(pid!, 0)).to.throw('ESRCH'))
  })

  it('leaves no process of a function behind when it is killed', async () => {
    world.model.answer(async function* ({ hungUp }) {
      await delay(60_000, undefined, { signal: hungUp }).catch(() => {})
      yield NOTE
    })
    await world.aws.put(VIDEO, rows)
    await world.aws.send(world.aws.queues.notes, { id: 1, video_id: VIDEO, timestamp: '1:23', user_id: 7 })
    const runner = start()
    await eventually(() => expect(world.model.asked).to.have.length(1))
    const [pid] = /"pid":(\d+)/.exec(output)!.slice(1).map(Number)
    runner.kill('SIGKILL')
    await eventually(() => expect(() => process.kill(pid!, 0)).to.throw('ESRCH'))
  })

  it('says in one line which functions idle, and why, and stays', async () => {
    const runner = start({ GEMINI_API_KEY: '', SQS_SUMMARY_QUEUE_URL: '' })
    await eventually(() => expect(output).to.include('"msg":"ready"'))
    const told = output.split('\n').filter((line) => line.includes('"msg":"idle'))
    expect(told.map((line) => JSON.parse(line).msg)).to.deep.equal([
      'idle: ai-note (GEMINI_API_KEY not set), ai-summary (SQS_SUMMARY_QUEUE_URL not set)',
    ])
    expect(output).not.to.include('feeding')
    const ended = once(runner, 'exit')
    expect(await Promise.race([ended, delay(500, 'still there')])).to.equal('still there')
    runner.kill('SIGTERM')
    expect(await ended).to.deep.equal([0, null])
  })

  it('does not start when a variable of a function is wrong, and names it', async () => {
    const runner = start({ MAX_RETRIES: 'many' })
    expect(await once(runner, 'exit')).to.deep.equal([1, null])
    expect(output.trim()).to.equal('vidwiz: MAX_RETRIES must be a number, 0 or more')
  })
})
