import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { SUPERVISOR } from '#platform/orphan/index.ts'
import { identity } from '#platform/processes.ts'
import { eventually } from '#test/kit/eventually.ts'

const PROCESS = fileURLToPath(new URL('../../services/process.ts', import.meta.url))

/** Starts a service, tells its process id once it is ready, and dies at once. `FLAGS` are those of Node for the service. */
const DYING = `
  const { spawn } = require('node:child_process')
  const flags = ['--disable-warning=ExperimentalWarning', ...JSON.parse(process.env.FLAGS ?? '[]')]
  const child = spawn(process.execPath, [...flags, ${JSON.stringify(PROCESS)}, 'local-aws'],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, ${SUPERVISOR}: String(process.pid) } })
  child.once('message', () => process.stdout.write(String(child.pid), () => process.kill(process.pid, 'SIGKILL')))`

/** Makes a service unable to stop gracefully: its only thread that runs JavaScript is busy for ever from then on. */
const BLOCKED = `data:text/javascript,process.on('disconnect', () => { for (;;); })`

describe('a service', function () {
  this.timeout(60_000)
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-service-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  /** A service whose parent has died. */
  async function orphan(more: NodeJS.ProcessEnv = {}): Promise<number> {
    const env = { ...process.env, VIDWIZ_DATA: folder, AWS_LOCAL_PORT: '0', LOG_LEVEL: 'info', ...more }
    const parent = spawn(process.execPath, ['-e', DYING], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    let pid = ''
    parent.stdout.on('data', (chunk) => {
      pid += chunk
    })
    await once(parent, 'close')
    expect(pid).to.match(/^\d+$/)
    return Number(pid)
  }

  it('ends when the process that started it is gone, and with it whoever read its lines', async () => {
    for (let round = 0; round < 3; round++) {
      const pid = await orphan()
      await eventually(() => expect(identity(pid)).to.equal(undefined))
    }
  })

  it('ends then within seconds also when it cannot stop by itself', async () => {
    const pid = await orphan({ FLAGS: JSON.stringify([`--import=${BLOCKED}`]) })
    try {
      await eventually(() => expect(identity(pid)).to.equal(undefined), { withinMs: 12_000 })
    } finally {
      if (identity(pid) !== undefined) process.kill(pid, 'SIGKILL')
    }
  })
})
