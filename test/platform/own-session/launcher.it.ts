import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { identity, sessionOf } from '#platform/processes.ts'
import { eventually } from '#test/kit/eventually.ts'

const LAUNCHER = fileURLToPath(new URL('../../../platform/own-session/launcher.ts', import.meta.url))
const LAUNCHED = new URL('../../../platform/own-session/launched.ts', import.meta.url).href

const OFTEN = { everyMs: 20 }

describe('a process in a session of its own', () => {
  let launcher: ChildProcess | undefined
  let launched: number | undefined
  afterEach(() => {
    launcher?.kill('SIGKILL')
    if (launched && identity(launched)) process.kill(launched, 'SIGKILL')
    launched = undefined
  })

  /** Runs a script. It is ready when its pid is printed, which is the last thing it does. */
  async function launch(script: string): Promise<ChildProcess> {
    launcher = spawn(process.execPath, [LAUNCHER, '--input-type=module', '-e', `${script}\nconsole.log(process.pid)`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [line] = await once(launcher.stdout!, 'data')
    launched = Number(String(line))
    return launcher
  }
  const ended = async (launcher: ChildProcess) => {
    const [code, signal] = await once(launcher, 'exit')
    return { code, signal }
  }
  const FOREVER = 'setInterval(() => {}, 1_000)'

  it('ends as itself: its exit code and its signal are those of the launcher', async () => {
    expect(await ended(await launch('process.exitCode = 3'))).to.deep.equal({ code: 3, signal: null })
    expect(await ended(await launch(`setTimeout(() => process.kill(process.pid, 'SIGKILL'), 0)`))).to.deep.equal({
      code: null,
      signal: 'SIGKILL',
    })
    expect(await ended(await launch(`setTimeout(() => process.kill(process.pid, 'SIGTERM'), 0); ${FOREVER}`))).to.include({
      signal: 'SIGTERM',
    })
  })

  it('gets the signals of the terminal', async () => {
    for (const [signal, code] of [
      ['SIGINT', 11],
      ['SIGTERM', 12],
      ['SIGHUP', 13],
    ] as const) {
      const launcher = await launch(`process.on('${signal}', () => process.exit(${code})); ${FOREVER}`)
      launcher.kill(signal)
      expect((await ended(launcher)).code).to.equal(code)
    }
  })

  it('is stopped by Ctrl-Z and goes on with its launcher', async function () {
    if (process.platform !== 'linux') this.skip()
    const state = () => readFileSync(`/proc/${launched}/stat`, 'utf8').split(') ').at(-1)![0]
    const launcher = await launch(FOREVER)
    expect(sessionOf(launched!)).to.equal(launched)
    launcher.kill('SIGTSTP')
    await eventually(() => expect(state()).to.equal('T'), OFTEN)
    launcher.kill('SIGCONT')
    await eventually(() => expect(state()).to.equal('S'), OFTEN)
  })

  it('ends when its launcher is killed, also if it does not stop by itself', async function () {
    this.timeout(20_000)
    for (const script of [FOREVER, `process.on('SIGTERM', () => {}); ${FOREVER}`]) {
      const launcher = await launch(`import { endWithLauncher } from '${LAUNCHED}'\nendWithLauncher(); ${script}`)
      launcher.kill('SIGKILL')
      await eventually(() => expect(identity(launched!)).to.equal(undefined), { withinMs: 8_000, everyMs: 50 })
    }
  })
})
