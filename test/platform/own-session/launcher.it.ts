import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { identity, sessionOf, statFields } from '#platform/processes.ts'
import { eventually } from '#test/kit/eventually.ts'

const LAUNCHER = fileURLToPath(new URL('../../../platform/own-session/launcher.ts', import.meta.url))
const LAUNCHED = new URL('../../../platform/own-session/launched.ts', import.meta.url).href

const OFTEN = { everyMs: 20 }

describe('a process in a session of its own', () => {
  let launcher: ChildProcess | undefined
  let launched: number | undefined
  let printed = ''
  afterEach(() => {
    launcher?.kill('SIGKILL')
    if (launched && identity(launched)) process.kill(launched, 'SIGKILL')
    launched = undefined
  })

  /** Runs a script by the launcher. The last line that is printed is its pid; then it is ready. */
  async function launch(script: string, by = [process.execPath]): Promise<ChildProcess> {
    const [program, ...args] = [...by, LAUNCHER, '--input-type=module', '-e', `${script}\nconsole.log('pid', process.pid)`]
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    printed = ''
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      printed += chunk
      const pid = /^pid (\d+)$/m.exec(printed)?.[1]
      if (pid === undefined) continue
      launched = Number(pid)
      break
    }
    launcher = child
    return child
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
    const state = (pid: number) => statFields(pid)?.[0]
    // A job of a shell: a process that no shell could let go on is not stopped.
    const job = ['bash', '-c', 'set -m; "$@" & echo $!; wait -f $!', 'bash', process.execPath]
    const shell = await launch(FOREVER, job)
    expect(sessionOf(launched!)).to.equal(launched)
    const [first] = printed.split('\n').map(Number)
    process.kill(first!, 'SIGTSTP')
    await eventually(() => expect([first!, launched!].map(state)).to.deep.equal(['T', 'T']), OFTEN)
    process.kill(first!, 'SIGCONT')
    await eventually(() => expect([first!, launched!].map(state)).to.deep.equal(['S', 'S']), OFTEN)
    process.kill(first!, 'SIGTERM')
    await ended(shell)
  })

  it('ends when its launcher is killed, also if it does not stop by itself', async () => {
    for (const script of [FOREVER, `process.on('SIGTERM', () => {}); ${FOREVER}`]) {
      const launcher = await launch(`import { endWithLauncher } from '${LAUNCHED}'\nendWithLauncher(500); ${script}`)
      launcher.kill('SIGKILL')
      await eventually(() => expect(identity(launched!)).to.equal(undefined), OFTEN)
    }
  })
})
