import { expect } from 'chai'
import { openSpell } from '#platform/telemetry/spell.ts'
import { startTracing } from '#platform/telemetry/tracing/provider.ts'
import { endTracing, span } from '#platform/telemetry/tracing/tracing.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { type Manner, otlpReceiver, type Receiver } from '#test/kit/otlp.ts'
import { stopTracingHere } from '#test/kit/tracing.ts'

const KEPT = { ...process.env }
const STANDARD = ['ENDPOINT', 'HEADERS', 'TIMEOUT'].map((name) => `OTEL_EXPORTER_OTLP_${name}`)

describe('sending spans', function () {
  this.timeout(20_000)
  let receiver: Receiver | undefined
  let lines: string[]

  /** As a service with such an environment; spans are sent as soon as there are any. */
  function begin(env: NodeJS.ProcessEnv) {
    Object.assign(process.env, { OTEL_BSP_SCHEDULE_DELAY: '20', ...env })
    lines = []
    const tell = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`)
    const spell = openSpell({ warn: tell, info: tell } as never)
    return startTracing({ service: 'vidwiz-test', spell, env: process.env })
  }
  const work = (name = 'work') =>
    span(
      () => ({ name }),
      () => {},
    )
  afterEach(async () => {
    stopTracingHere()
    await receiver?.close()
    receiver = undefined
    for (const name of [...STANDARD, 'OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES', 'OTEL_BSP_SCHEDULE_DELAY'])
      if (KEPT[name] === undefined) delete process.env[name]
      else process.env[name] = KEPT[name]
  })

  it('brings them to the endpoint, with the headers, the name and the attributes that the environment gives', async () => {
    receiver = await otlpReceiver()
    begin({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=tests',
      OTEL_SERVICE_NAME: 'notes-in-the-north',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
    })
    work()
    expect(await receiver.told(({ name }) => name === 'work')).to.include({ service: 'notes-in-the-north', failed: false })
    expect(receiver.headers[0]).to.include({ 'x-tenant': 'tests' })
    expect(receiver.bodies[0]).to.include('"staging"').and.to.include('"service.version"')
    expect(lines).to.deep.equal([])
  })

  it('sends what is left when it ends', async () => {
    receiver = await otlpReceiver()
    begin({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '60000' })
    work('last')
    await endTracing()
    expect(receiver.spans.map(({ name, service }) => [name, service])).to.deep.equal([['last', 'vidwiz-test']])
  })

  for (const manner of ['failing', 'hanging', 'away'] as const)
    it(`costs nothing but telemetry when the receiver is ${manner}: work goes on, one line, and an end within two seconds`, async () => {
      const url = manner === 'away' ? `http://127.0.0.1:${await freePort()}` : await started(manner)
      begin({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_TIMEOUT: '400' })
      const since = performance.now()
      // Far more than may wait.
      for (let i = 0; i < 20_000; i++) work()
      expect(performance.now() - since).to.be.below(2_000)
      await eventually(() => expect(lines).to.have.length(1))
      expect(lines[0]).to.match(/^paused /)
      for (let i = 0; i < 20_000; i++) work()
      const ending = performance.now()
      await endTracing()
      expect(performance.now() - ending).to.be.below(2_500)
      expect(lines).to.have.length(1)
    })

  it('ends within two seconds also while a receiver that hangs has more time for its answer', async () => {
    begin({ OTEL_EXPORTER_OTLP_ENDPOINT: await started('hanging'), OTEL_EXPORTER_OTLP_TIMEOUT: '9000' })
    work()
    await eventually(() => expect(receiver!.bodies).to.have.length(1))
    const ending = performance.now()
    await endTracing()
    expect(performance.now() - ending).to.be.below(4_000)
  })

  async function started(manner: Manner) {
    receiver = await otlpReceiver(manner)
    return receiver.url
  }
})
