import { expect } from 'chai'
import { open, written } from './raw.ts'
import { smallApp } from './small-app.ts'

type App = Awaited<ReturnType<typeof smallApp>>

const HEAD = 'GET /plain HTTP/1.1\r\nHost: a\r\n'

describe('what cannot be read as a request', () => {
  let app: App
  before(async () => {
    app = await smallApp()
  })
  after(() => app.close())

  const cases: [string, number, string, string][] = [
    ['a head that is too large', 431, 'REQUEST_HEADER_FIELDS_TOO_LARGE', `${HEAD}A: ${'b'.repeat(20_000)}\r\n\r\n`],
    ['a head of too many fields', 431, 'REQUEST_HEADER_FIELDS_TOO_LARGE', `${HEAD}${'A: b\r\n'.repeat(5000)}\r\n`],
    ['a target that is too long', 431, 'REQUEST_HEADER_FIELDS_TOO_LARGE', HEAD.replace('plain', 'b'.repeat(20_000))],
    ['no HTTP at all', 400, 'BAD_REQUEST', '\x16\x03\x01\x02\x00\x01\x00'],
    ['an unknown method', 400, 'BAD_REQUEST', HEAD.replace('GET', 'FOO')],
    ['a field without a name', 400, 'BAD_REQUEST', `${HEAD}: x\r\n\r\n`],
    ['a length that is none', 400, 'BAD_REQUEST', `${HEAD}Content-Length: x\r\n\r\n`],
    ['two lengths', 400, 'BAD_REQUEST', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ['an unknown version', 505, 'HTTP_VERSION_NOT_SUPPORTED', 'GET / HTTP/9.9\r\n\r\n'],
  ]
  for (const [name, status, code, bytes] of cases)
    it(`is answered in the envelope, and the connection closed: ${name}`, async () => {
      const connection = await open(app.port)
      connection.write(Buffer.from(bytes, 'latin1'))
      const answer = await connection.answer()
      expect([answer.status, answer.header('connection')]).to.deep.equal([status, 'close'])
      expect(answer.header('content-type')).to.equal('application/json')
      expect(answer.header('referrer-policy')).to.equal('strict-origin-when-cross-origin')
      expect(answer.header('x-request-id')).to.have.length(36)
      expect(answer.json().error).to.have.all.keys('code', 'message', 'details')
      expect(answer.json().error.code).to.equal(code)
      connection.socket.end()
      await connection.closed
    })

  it('is told of a tunnel that there is none', async () => {
    const connection = await open(app.port)
    connection.write('CONNECT vid.example:443 HTTP/1.1\r\nHost: vid.example:443\r\n\r\nhello')
    const answer = await connection.answer()
    expect([answer.status, answer.body, answer.header('allow')]).to.deep.equal([405, '{"detail":"Method Not Allowed"}', ''])
    expect(answer.header('connection')).to.equal('close')
    connection.socket.end()
    await connection.closed
  })

  it('is answered after the answers to the requests before it', async () => {
    const gated = await smallApp()
    const connection = await open(gated.port)
    connection.write(written('POST', '/gate', {}, '{}'))
    connection.write('NONSENSE\r\n\r\n')
    await gated.entered
    gated.openGate()
    expect((await connection.answer()).body).to.equal('{"passed":true}')
    expect((await connection.answer()).status).to.equal(400)
    connection.socket.destroy()
    await gated.close()
  })

  it('is answered when it is the body of a request, once', async () => {
    const connection = await open(app.port)
    connection.write('POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\nmore\r\n')
    expect((await connection.answer()).json().error.code).to.equal('BAD_REQUEST')
    connection.write('more nonsense\r\n\r\n')
    connection.socket.end()
    await connection.closed
    expect(await connection.answer().catch(() => 'nothing more')).to.equal('nothing more')
  })

  it('is answered to the end though the client still sends', async () => {
    const connection = await open(app.port)
    connection.write(HEAD)
    for (let sent = 0; sent < 200; sent++) connection.write(`A: ${'b'.repeat(10_000)}\r\n`)
    expect((await connection.answer()).status).to.equal(431)
    connection.socket.destroy()
  })
})
