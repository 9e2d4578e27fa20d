import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { tracingFlags } from '#platform/telemetry/tracing/flags.ts'

const ROOT = join(import.meta.dirname, '../../../..')

/** Prints which modules of OpenTelemetry are loaded with some files of ours: but for its API, which prom-client loads and which does nothing. */
const LOADED = `
  import { registerHooks } from 'node:module'
  const found = new Set()
  registerHooks({ load: (url, context, next) => (/@opentelemetry.(?!api\\/)|import-in-the-middle/.test(url) && found.add(url), next(url, context)) })
  for (const file of process.argv.slice(1)) await import('#' + file)
  const { services } = await import('#services/index.ts')
  if (process.argv.length === 1) for (const load of Object.values(services)) await load()
  console.log(JSON.stringify([...found]))
  process.exit()`

async function loadedWith(...files: string[]): Promise<string[]> {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', LOADED, ...files]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT })
  return JSON.parse(stdout)
}

describe('without a receiver of spans', function () {
  this.timeout(60_000)

  it('no service loads a module of OpenTelemetry', async () => {
    expect(await loadedWith()).to.deep.equal([])
    // What is looked for is there to be found.
    expect((await loadedWith('platform/telemetry/tracing/provider.ts')).length).to.be.above(10)
  })

  it('no process is given a flag; with one, each is, unless the standard switch says no', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
    expect([{}, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, { ...endpoint, OTEL_SDK_DISABLED: 'true' }].map(tracingFlags)).to.deep.equal(
      [[], [], []],
    )
    expect(tracingFlags(endpoint)[0]).to.equal('--import')
    expect(tracingFlags(endpoint)[1]).to.match(/^file:.*preload\.ts$/)
  })
})
