import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'

/** Runs services as a process of its own, stops it once it is ready, and tells how it ended. */
async function ended(services: string): Promise<{ code: number; output: string }> {
  const url = new URL('../../platform/service.ts', import.meta.url)
  const script = `import { runServices, service } from '${url}'; await runServices(${services})`
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data) => (output += data))
  child.once('message', () => child.kill('SIGTERM'))
  const [code] = await once(child, 'close')
  return { code, output }
}

describe('services that share a process', () => {
  it('all stop, also when one of them cannot', async () => {
    const { code, output } = await ended(`[
      service('bad', async () => ({ stop: async () => { throw new Error('stuck') } })),
      service('good', async () => ({ stop: () => new Promise((done) => setTimeout(() => { console.log('good is done'); done() }, 300)) })),
    ]`)
    expect(output).to.include('stuck').and.to.include('good is done')
    expect(code).to.equal(1)
  })
})
