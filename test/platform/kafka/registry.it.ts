import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'chai'
import { destroyRegistry, type LocalRegistry, startRegistry } from '#platform/kafka/local/registry.ts'
import { commandLine } from '#platform/processes.ts'
import { testFolder } from '#test/kit/parts/folder.ts'
import { schemaRegistry } from '#test/kit/registry.ts'

const schema = JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' })

const subjects = async (url: string): Promise<string[]> => (await (await fetch(`${url}/subjects`)).json()) as string[]
const register = (url: string, subject: string) =>
  fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schemaType: 'JSON', schema }),
  })

describe('a schema registry of this machine', function () {
  this.timeout(120_000)
  let dataDir: string
  let registry: LocalRegistry | undefined

  before(async function () {
    await schemaRegistry(this) // where none runs, this is skipped as well
  })
  beforeEach(async () => {
    dataDir = await testFolder('registry', destroyRegistry)
  })
  afterEach(async () => {
    await registry?.stop()
    await destroyRegistry(dataDir)
  })

  it('still knows after a restart what was registered, and stops cleanly', async () => {
    registry = await startRegistry({ dataDir })
    expect((await register(registry.url, 'kept')).status).to.equal(200)
    await registry.stop()
    expect(commandLine(registry.pid)).to.equal(undefined)
    registry = await startRegistry({ dataDir })
    expect(await subjects(registry.url)).to.deep.equal(['kept'])
  })

  it('is stopped and started afresh when the process that ran it was killed', async () => {
    const script = `
      import { startRegistry } from '#platform/kafka/local/registry.ts'
      const registry = await startRegistry({ dataDir: process.argv[1] })
      process.stdout.write(String(registry.pid))
      process.stdin.resume()`
    const elsewhere = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script, dataDir],
      {
        cwd: join(import.meta.dirname, '..', '..', '..'),
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    const left = Number((await once(elsewhere.stdout, 'data'))[0])
    elsewhere.kill('SIGKILL')
    await once(elsewhere, 'exit')
    expect(commandLine(left)).to.include('java')
    registry = await startRegistry({ dataDir })
    expect(commandLine(left)).to.equal(undefined)
  })
})
