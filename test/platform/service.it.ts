import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { identity } from '#platform/processes.ts'
import { eventually } from '#test/kit/eventually.ts'

const PROCESS = fileURLToPath(new URL('../../services/process.ts', import.meta.url))

/** Starts a service, tells its process id once it is ready, and dies at once. */
const DYING = `
  const { spawn } = require('node:child_process')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ${JSON.stringify(PROCESS)}, 'local-aws'],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  child.once('message', () => process.stdout.write(String(child.pid), () => process.kill(process.pid, 'SIGKILL')))`

describe('a service', function () {
  this.timeout(60_000)
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-service-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('ends when the process that started it is gone, and with it whoever read its lines', async () => {
    for (let round = 0; round < 3; round++) {
      const env = { ...process.env, VIDWIZ_DATA: folder, AWS_LOCAL_PORT: '0', LOG_LEVEL: 'info' }
      const parent = spawn(process.execPath, ['-e', DYING], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      let pid = ''
      parent.stdout.on('data', (chunk) => {
        pid += chunk
      })
      await once(parent, 'close')
      expect(pid).to.match(/^\d+$/)
      await eventually(() => expect(identity(Number(pid))).to.equal(undefined))
    }
  })
})
