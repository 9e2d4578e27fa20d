import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { open, written } from './raw.ts'
import { smallApp } from './small-app.ts'

const GATE = written('POST', '/gate', {}, '{}')
const NEVER_MS = 60_000

describe('a server that closes', () => {
  it('finishes the request in flight and says that it is the last on its connection (P12)', async () => {
    const app = await smallApp({}, { lingerMs: 0 })
    const connection = await open(app.port)
    connection.write(GATE)
    await app.entered
    const closing = app.close()
    while (!(await refuses(app.port)));
    app.openGate()
    const answer = await connection.answer()
    expect([answer.status, answer.body, answer.header('connection')]).to.deep.equal([200, '{"passed":true}', 'close'])
    await closing
    await connection.closed
  })

  it('finishes a request of which it has only a part, however long the client takes', async () => {
    const app = await smallApp({}, { lingerMs: 0 })
    const connection = await open(app.port)
    connection.write(GATE.subarray(0, 20))
    const other = await open(app.port)
    other.write(written('GET', '/plain'))
    await other.answer()
    const closing = app.close()
    await other.closed
    app.openGate()
    connection.write(GATE.subarray(20))
    expect((await connection.answer()).status).to.equal(200)
    await closing
  })

  it('serves who is quick with one more request on an open connection', async () => {
    const app = await smallApp({}, { lingerMs: NEVER_MS })
    const connection = await open(app.port)
    connection.write(written('GET', '/plain'))
    expect((await connection.answer()).header('connection')).to.equal('keep-alive')
    const closing = app.close()
    while (!(await refuses(app.port)));
    connection.write(written('GET', '/plain'))
    const last = await connection.answer()
    expect([last.status, last.header('connection')]).to.deep.equal([200, 'close'])
    await closing
    await connection.closed
  })

  it('answers everybody who had connected, also those whom it had not taken in yet', async () => {
    const app = await smallApp()
    const connections = await Promise.all(Array.from({ length: 50 }, () => open(app.port)))
    for (const connection of connections) connection.write(written('GET', '/plain'))
    const closing = app.close()
    for (const connection of connections) expect((await connection.answer()).status).to.equal(200)
    await closing
  })

  it('closes connections that nobody uses', async () => {
    const app = await smallApp({}, { lingerMs: 1 })
    const [used, unused] = [await open(app.port), await open(app.port)]
    used.write(written('GET', '/plain'))
    await used.answer()
    await app.close()
    await Promise.all([used.closed, unused.closed])
  })

  it('cuts what does not finish in time', async () => {
    const app = await smallApp({}, { lingerMs: 0, finishMs: 1 })
    const connection = await open(app.port)
    connection.write(GATE)
    await app.entered
    await app.close()
    await connection.closed
  })

  it('closes once, whoever asks', async () => {
    const app = await smallApp()
    await Promise.all([app.close(), app.close()])
    await app.close()
  })

  it('tells when its port is taken', async () => {
    const app = await smallApp()
    const error = await smallApp({}, { port: app.port }).catch((error) => error)
    expect(error).to.have.property('code', 'EADDRINUSE')
    await app.close()
  })
})

/** Whether a port takes no more connections. */
async function refuses(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const [event] = await Promise.race([
    once(socket, 'connect').then(() => ['connect']),
    once(socket, 'error').then(() => ['error']),
  ]).catch(() => ['error'])
  socket.destroy()
  return event === 'error'
}
