import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { identity } from '#platform/processes.ts'
import { endLeftBehind } from '#services/stack/left-behind.ts'
import { eventually } from '#test/kit/eventually.ts'

const ORPHAN = fileURLToPath(new URL('../../../platform/orphan/index.ts', import.meta.url))
const SUPERVISOR = fileURLToPath(new URL('../../../services/stack/supervisor.ts', import.meta.url))
/** Five for a graceful stop, and the looks before it. */
const SECONDS = { withinMs: 12_000, everyMs: 50 }

describe('a part whose supervisor was killed', function () {
  this.timeout(60_000)
  let folder: string
  const started: number[] = []
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-orphans-'))
  })
  afterEach(() => {
    for (const pid of started.splice(0)) if (identity(pid) !== undefined) process.kill(pid, 'SIGKILL')
  })
  after(() => rmSync(folder, { recursive: true }))

  /** Runs a real supervisor with one part, and kills it as soon as the part has begun to do what it does. */
  async function orphan(does: string): Promise<number> {
    const part = join(folder, 'part.ts')
    // Deaf to all that is gracefully said.
    writeFileSync(
      part,
      `import { endWithSupervisor } from ${JSON.stringify(ORPHAN)}
       endWithSupervisor()
       for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE']) process.on(signal, () => {})
       process.on('disconnect', () => {})
       process.stdout.on('error', () => {})
       setInterval(() => {}, 1_000)
       setTimeout(() => { ${does} }, 100)
       console.log('begun ' + process.pid)`,
    )
    const main = join(folder, 'main.ts')
    writeFileSync(
      main,
      `import { supervisor } from ${JSON.stringify(SUPERVISOR)}
       supervisor({ onLine: (_, line) => process.stdout.write(line + '\\n'), onRestart() {} })
         .keep({ name: 'part', file: ${JSON.stringify(part)}, env: process.env })`,
    )
    const parent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    parent.stdout.on('data', (chunk) => {
      said += chunk
    })
    const pid = await eventually(() => Number(/begun (\d+)/.exec(said)?.[1] ?? expect.fail('it has not begun')), {
      withinMs: 20_000,
    })
    started.push(pid)
    parent.kill('SIGKILL')
    return pid
  }

  for (const [what, does] of [
    ['is deaf', ''],
    ['is blocked by its own code', 'for (;;);'],
    [
      'writes for ever to a pipe that nobody reads',
      `process.on('exit', () => { for (;;) try { require('node:fs').writeSync(1, 'x'.repeat(99_999)) } catch {} }); process.exit()`,
    ],
  ] as const)
    it(`ends within seconds, also when it ${what}`, async () => {
      const pid = await orphan(does.replace("require('node:fs')", "process.getBuiltinModule('node:fs')"))
      await eventually(() => expect(identity(pid)).to.equal(undefined), SECONDS)
    })

  describe('and that has not ended', () => {
    const deaf = () => {
      const child = spawn('sh', ['-c', 'trap "" TERM INT HUP; while :; do sleep 1; done'], { detached: true, stdio: 'ignore' })
      started.push(child.pid!)
      return child.pid!
    }
    const write = (supervisor: string, parts: Record<string, string>) =>
      writeFileSync(join(folder, 'parts.json'), JSON.stringify({ supervisor, parts }))

    it('is killed by the next start, which says so with its process id', async () => {
      const pid = deaf()
      write('1@0', { api: identity(pid)!, relay: `${process.pid}@0` })
      const told: string[] = []
      await endLeftBehind(folder, (line) => told.push(line))
      expect(identity(pid)).to.equal(undefined)
      expect(told).to.have.length(1)
      expect(told[0]).to.contain(`api (process ${pid}) was left behind`)
    })

    it('is left alone while its supervisor lives: then the next start is refused, and changes nothing', async () => {
      const pid = deaf()
      write(identity(process.pid)!, { api: identity(pid)! })
      const before = readFileSync(join(folder, 'parts.json'), 'utf8')
      const refused = await endLeftBehind(folder, () => expect.fail('nothing is to be said')).catch(String)
      expect(refused).to.contain(`VidWiz runs on ${folder} already (process ${process.pid})`)
      expect(identity(pid)).to.not.equal(undefined)
      expect(readFileSync(join(folder, 'parts.json'), 'utf8')).to.equal(before)
    })
  })
})
