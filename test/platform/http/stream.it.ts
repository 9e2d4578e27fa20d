import { once } from 'node:events'
import { expect } from 'chai'
import type { Out } from '#platform/http/stream.ts'
import { eventually } from '#test/kit/eventually.ts'
import { open, type RawConnection, written } from './raw.ts'
import { smallApp } from './small-app.ts'

type App = Awaited<ReturnType<typeof smallApp>>

/** Longer than any test takes. */
const NEVER_MS = 60_000
const left = ({ left }: Out) => left.aborted || once(left, 'abort')
const gone = ({ gone }: Out) => gone.aborted || once(gone, 'abort')

/** Asks for the stream and reads the head of its answer. */
async function listen(app: App, headers: Record<string, string> = {}): Promise<RawConnection> {
  const connection = await open(app.port)
  connection.write(written('GET', '/stream', headers))
  await connection.answer()
  return connection
}

/** What is in the access log. */
const logged = (app: App) => app.lines.map((line) => JSON.parse(line))

describe('a stream of events', () => {
  const apps: App[] = []
  const appOf = async (...given: Parameters<typeof smallApp>) => {
    const app = await smallApp(...given)
    apps.push(app)
    return app
  }
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())))

  it('sends its head at once, with the headers of every answer and those of a stream', async () => {
    const app = await appOf({}, {}, async (out) => void (await gone(out)))
    const connection = await open(app.port)
    connection.write(written('GET', '/stream', { Origin: 'http://page.example', 'X-Request-ID': 'mine' }))
    const { status, headers, header } = await connection.answer()
    expect(status).to.equal(200)
    expect(header('content-type')).to.equal('text/event-stream; charset=utf-8')
    expect(header('cache-control')).to.equal('no-cache')
    expect(header('x-accel-buffering')).to.equal('no')
    expect(header('x-request-id')).to.equal('mine')
    expect(header('referrer-policy')).to.equal('strict-origin-when-cross-origin')
    expect(header('access-control-allow-origin')).to.equal('*')
    expect(header('x-own')).to.equal('yes')
    expect(headers.has('content-length')).to.equal(false)
    connection.socket.destroy()
  })

  it('sends each frame whole, in a chunk of its own, and leaves the connection fit for the next request', async () => {
    const frames = ['data: a\n\n', `data: ${'é'.repeat(50_000)}\n\n`, 'data: [DONE]\n\n']
    const app = await appOf({}, {}, async (out) => {
      for (const frame of frames) await out.send(frame)
    })
    const connection = await listen(app)
    for (const frame of [...frames, '']) expect(await connection.chunk()).to.equal(frame)
    connection.write(written('GET', '/plain'))
    expect((await connection.answer()).body).to.equal('{"ok":true}')
    connection.socket.destroy()
  })

  it('closes the connection at its end for a client that knows no chunks', async () => {
    const app = await appOf({}, {}, (out) => out.send('data: a\n\n'))
    const connection = await open(app.port)
    let text = ''
    connection.socket.on('data', (bytes) => {
      text += bytes
    })
    connection.write('GET /stream HTTP/1.0\r\n\r\n')
    await connection.closed
    expect(text.slice(text.indexOf('\r\n\r\n'))).to.equal('\r\n\r\ndata: a\n\n')
  })

  it('pings a client to whom there is nothing to tell', async () => {
    const app = await appOf({ streaming: { pingMs: 1 } }, {}, async (out) => void (await gone(out)))
    const connection = await listen(app)
    for (let i = 0; i < 3; i++) expect(await connection.chunk()).to.equal(': ping\n\n')
    connection.socket.destroy()
  })

  it('lets its writer wait for a client that is slow', async () => {
    const frame = `data: ${'x'.repeat(1_000_000)}\n\n`
    let sent = 0
    const app = await appOf({}, {}, async (out) => {
      for (; sent < 50 && !out.left.aborted; sent++) await out.send(frame)
    })
    const connection = await open(app.port)
    connection.socket.pause()
    connection.write(written('GET', '/stream'))
    let before = -1
    await eventually(async () => {
      const isStuck = sent > 0 && sent === before
      before = sent
      expect(isStuck).to.equal(true)
    })
    expect(sent).to.be.lessThan(50)
    connection.socket.resume()
    await connection.answer()
    for (let i = 0; i < 50; i++) expect(await connection.chunk()).to.equal(frame)
    expect(await connection.chunk()).to.equal('')
    connection.socket.destroy()
  })

  it('gives up a client that takes nothing, and not one that has only nothing to say', async () => {
    const frame = 'x'.repeat(1_000_000)
    let isFlooding = false
    const done = Promise.withResolvers<void>()
    const app = await appOf({ streaming: { pingMs: 20, stalledMs: 200 } }, {}, async (out) => {
      if (!isFlooding) return void (await gone(out))
      while (!out.left.aborted) await out.send(frame)
      done.resolve()
    })
    const quiet = await listen(app)
    isFlooding = true
    const stuck = await open(app.port)
    stuck.socket.pause()
    stuck.write(written('GET', '/stream'))
    await done.promise
    for (let i = 0; i < 20; i++) expect(await quiet.chunk()).to.equal(': ping\n\n')
    quiet.socket.destroy()
    stuck.socket.destroy()
  })

  it('reaches a client that reads byte by byte', async () => {
    const frame = `data: ${'é'.repeat(500)}\n\n`
    const app = await appOf({}, {}, (out) => out.send(frame))
    const connection = await open(app.port)
    connection.socket.removeAllListeners('data')
    let text = Buffer.alloc(0)
    connection.socket.on('readable', () => {
      for (let byte = connection.socket.read(1); byte !== null; byte = connection.socket.read(1))
        text = Buffer.concat([text, byte])
    })
    connection.write(written('GET', '/stream', { Connection: 'close' }))
    await connection.closed
    expect(text.toString()).to.match(new RegExp(`\r\n\r\n${Buffer.byteLength(frame).toString(16)}\r\n${frame}\r\n0\r\n\r\n$`))
  })

  for (const how of ['cut', 'half-closed'] as const)
    it(`tells its writer that the client has left (${how}), and drops what is sent to nobody`, async () => {
      const done = Promise.withResolvers<Out>()
      const app = await appOf({}, {}, async (out) => {
        await Promise.all([gone(out), left(out)])
        await out.send('data: to nobody\n\n')
        done.resolve(out)
      })
      const connection = await listen(app)
      if (how === 'cut') connection.socket.resetAndDestroy()
      else connection.socket.end()
      const out = await done.promise
      await eventually(async () => expect(logged(app)).to.have.length(1))
      expect(logged(app)[0]).to.include({ msg: 'request', status: 200, aborted: true })
      await out.send('data: after the end\n\n')
    })

  it('wakes a writer that waits for a client when that has left', async () => {
    const done = Promise.withResolvers<void>()
    const app = await appOf({}, {}, async (out) => {
      while (!out.left.aborted) await out.send('x'.repeat(1_000_000))
      done.resolve()
    })
    const connection = await open(app.port)
    connection.socket.pause()
    connection.write(written('GET', '/stream'))
    await once(connection.socket, 'readable')
    connection.socket.destroy()
    await done.promise
  })

  it('tells its writer also when the client had left before it began', async () => {
    const began = Promise.withResolvers<Out>()
    const app = await appOf({}, {}, async (out) => began.resolve(out))
    const connection = await open(app.port)
    connection.write(written('GET', '/late-stream'))
    await app.entered
    connection.socket.resetAndDestroy()
    await eventually(async () => expect(logged(app)).to.have.length(1))
    app.openGate()
    const { gone, left } = await began.promise
    expect([gone.aborted, left.aborted]).to.deep.equal([true, true])
  })

  it('ends where its writer fails, and the failure is logged without telling the client', async () => {
    const app = await appOf({}, {}, async (out) => {
      await out.send('data: a\n\n')
      throw new Error('boom')
    })
    const connection = await listen(app, { 'X-Request-ID': 'mine', Connection: 'close' })
    expect([await connection.chunk(), await connection.chunk()]).to.deep.equal(['data: a\n\n', ''])
    await connection.closed
    const fault = logged(app).find(({ msg }) => msg === 'stream failed')
    expect([fault.requestId, fault.route, fault.fault.message]).to.deep.equal(['mine', '/stream', 'boom'])
  })

  it('is logged when it has ended', async () => {
    const app = await appOf({}, {}, (out) => out.send('data: a\n\n'))
    const connection = await listen(app)
    await eventually(async () => expect(logged(app)).to.have.length(1))
    expect(logged(app)[0]).to.include({ msg: 'request', route: '/stream', status: 200 })
    expect(logged(app)[0]).to.not.have.property('aborted')
    connection.socket.destroy()
  })

  it('is refused by the check of answers where a route does not declare it', async () => {
    const app = await appOf()
    expect((await app.ask('GET', '/undeclared-stream')).status).to.equal(500)
  })

  describe('of a server that stops (P12)', () => {
    it('ends at once where nothing is left to tell', async () => {
      const app = await appOf({}, { lingerMs: 0, finishMs: NEVER_MS }, async (out) => void (await gone(out)))
      const connection = await listen(app)
      const closing = app.close()
      expect(await connection.chunk()).to.equal('')
      await closing
      await connection.closed
    })

    it('may finish what it has begun to tell', async () => {
      const app = await appOf({}, { lingerMs: 0, finishMs: NEVER_MS }, async (out) => {
        await gone(out)
        if (!out.left.aborted) await out.send('data: the rest\n\n')
      })
      const connection = await listen(app)
      const closing = app.close()
      expect([await connection.chunk(), await connection.chunk()]).to.deep.equal(['data: the rest\n\n', ''])
      await closing
    })

    it('is cut when it does not end in time', async () => {
      const app = await appOf({}, { lingerMs: 0, finishMs: 1 }, async (out) => void (await left(out)))
      const connection = await listen(app)
      await app.close()
      await connection.closed
    })

    it('ends by itself when it begins after that', async () => {
      const app = await appOf({}, { lingerMs: NEVER_MS }, async (out) => {
        await out.send('data: as it stands\n\n')
        await gone(out)
      })
      const connection = await open(app.port)
      connection.write(written('GET', '/plain'))
      await connection.answer()
      const closing = app.close()
      const refused = async () => {
        const late = await open(app.port).catch(() => undefined)
        late?.socket.destroy()
        expect(late).to.equal(undefined)
      }
      await eventually(refused)
      connection.write(written('GET', '/stream'))
      expect((await connection.answer()).header('connection')).to.equal('close')
      expect([await connection.chunk(), await connection.chunk()]).to.deep.equal(['data: as it stands\n\n', ''])
      await closing
    })
  })
})
