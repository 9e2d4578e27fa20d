import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { type Health, serveEndpoint } from '#platform/telemetry/endpoint.ts'
import { healthOf } from '#platform/telemetry/health.ts'
import { openMetrics } from '#platform/telemetry/metrics.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { vidwiz } from '#test/kit/run.ts'
import { open } from '#test/platform/http/raw.ts'

const ask = async (port: number, path: string) => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
}

describe('what a service shows of itself', function () {
  this.timeout(60_000)

  it('is its health, and its figures with the lag of what it follows (P10)', async () => {
    const database = await freshDatabase()
    const port = await freePort()
    const projector = vidwiz(['run', 'projector'], { DB_URL: database.url, METRICS_PORT: String(port) })
    try {
      await eventually(async () => expect(await ask(port, '/health')).to.include({ status: 200, text: '{"status":"ok"}' }), {
        withinMs: 30_000,
      })
      const { type, text } = await ask(port, '/metrics')
      expect(type).to.equal('text/plain; version=0.0.4; charset=utf-8')
      expect(text).to.include('vidwiz_consumer_lag_events{consumer="notes",topic="vidwiz.notes",partition="0"} 0')
      expect(text).to.include('vidwiz_consumer_lag_seconds{consumer="notes",topic="vidwiz.notes",partition="0"} 0')
      expect(text).to.include('process_resident_memory_bytes ')
      expect((await ask(port, '/other')).status).to.equal(404)

      await database.drop()
      await eventually(async () =>
        expect(await ask(port, '/health')).to.include({ status: 503, text: '{"status":"unavailable"}' }),
      )
      await eventually(async () => {
        const figures = await ask(port, '/metrics')
        expect(figures.status).to.equal(200)
        expect(figures.text).to.include('vidwiz_metrics_failed_total{name="vidwiz_consumer_lag_events"}')
        expect(figures.text).not.to.include('vidwiz_consumer_lag_events{')
      })
    } finally {
      projector.process.kill('SIGTERM')
      await projector.finished
    }
  })

  it('is refused with one line when the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { code, stderr } = await vidwiz(['run', 'projector'], { METRICS_PORT: String(port) }).finished
    taken.close()
    expect(code).to.equal(1)
    expect(stderr).to.match(new RegExp(`^vidwiz: METRICS_PORT ${port} cannot be used: .*EADDRINUSE.*\n$`))
  })

  it('says that a service that starts or stops cannot work', async () => {
    let health: Health = 'starting'
    const { port, close } = await serveEndpoint(
      { metrics: openMetrics(), health: async () => health },
      { port: 0, host: '127.0.0.1' },
    )
    try {
      expect(await ask(port, '/health')).to.include({ status: 503, text: '{"status":"starting"}' })
      health = 'stopping'
      expect(await ask(port, '/health')).to.include({ status: 503, text: '{"status":"stopping"}' })
    } finally {
      await close()
    }
  })

  it('is answered as HTTP has it: other targets, hosts, upgrades and what cannot be read', async () => {
    const { port, close } = await serveEndpoint(
      { metrics: openMetrics(), health: async () => 'ok' },
      { port: 0, host: '127.0.0.1' },
    )
    const send = async (head: string) => {
      const connection = await open(port)
      connection.write(`${head}\r\n\r\n`)
      const answer = await connection.answer()
      connection.socket.destroy()
      return `${answer.status} ${answer.header('connection')}`
    }
    try {
      expect(await send('GET http://vid.example/health HTTP/1.1\r\nHost: a')).to.equal('200 keep-alive')
      expect(await send('GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c')).to.equal('200 close')
      expect(await send('GET /health HTTP/1.1\r\nHost: a\r\nHost: b')).to.equal('400 close')
      expect(await send('NONSENSE')).to.equal('400 close')
      expect(await send('CONNECT a:1 HTTP/1.1\r\nHost: a')).to.equal('405 close')
    } finally {
      await close()
    }
  })

  it('is no health when the answer of what a service needs does not come', async () => {
    expect(await healthOf(async () => 'who has the lock')).to.deep.equal({ status: 'ok', why: 'who has the lock' })
    const health = await healthOf(() => new Promise(() => {}))
    expect(health).to.equal('unavailable')
  })
})
