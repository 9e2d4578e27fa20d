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

  it('still knows after a restart what was registered, and stops cleanly, also one whose process was killed', async () => {
    const script = `
      import { startRegistry } from '#platform/kafka/local/registry.ts'
      const { pid, url } = await startRegistry({ dataDir: process.argv[1] })
      process.stdout.write(JSON.stringify({ pid, url }))
      process.stdin.resume()`
    const elsewhere = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script, dataDir],
      {
        cwd: join(import.meta.dirname, '..', '..', '..'),
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    const left = JSON.parse(String((await once(elsewhere.stdout, 'data'))[0]))
    expect((await register(left.url, 'kept')).status).to.equal(200)
    elsewhere.kill('SIGKILL')
    await once(elsewhere, 'exit')
    expect(commandLine(left.pid)).to.include('java')
    registry = await startRegistry({ dataDir })
    expect(commandLine(left.pid)).to.equal(undefined)
    expect(await subjects(registry.url)).to.deep.equal(['kept'])
    await registry.stop()
    expect(commandLine(registry.pid)).to.equal(undefined)
  })
})
