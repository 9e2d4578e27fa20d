import { expect } from 'chai'
import { open, written } from './raw.ts'
import { smallApp } from './small-app.ts'

type App = Awaited<ReturnType<typeof smallApp>>

const SESAME = { Authorization: 'Bearer sesame' }
const EXPECT = { Expect: '100-continue' }

describe('the head of a request', () => {
  let app: App
  before(async () => {
    app = await smallApp()
  })
  after(() => app.close())

  /** Sends what is given and nothing else. */
  const send = async (...parts: (string | Uint8Array)[]) => {
    const connection = await open(app.port)
    for (const part of parts) connection.write(part)
    const answer = await connection.answer()
    return { connection, answer }
  }
  const codeOf = async (...parts: (string | Uint8Array)[]) => {
    const { answer, connection } = await send(...parts)
    connection.socket.destroy()
    return `${answer.status} ${answer.json().error?.code} ${answer.header('connection')}`
  }

  it('may name the host in its target, as for a proxy: the answer is that of its path', async () => {
    expect((await app.ask('GET', 'http://vid.example/plain')).body).to.equal('{"ok":true}')
    expect((await app.ask('GET', 'HTTP://vid.example:80/plain?x=1')).status).to.equal(200)
    expect((await app.ask('GET', 'https://[::1]:8080/query?a=%C3%A9')).body).to.equal('{"a":"é"}')
    expect((await app.ask('GET', 'http://vid.example')).body).to.equal('{"detail":"Not Found"}')
    expect((await app.ask('PUT', 'http://vid.example/plain')).status).to.equal(405)
    const redirect = await app.ask('GET', 'http://other.example/plain/')
    expect(redirect.header('location'), 'the target stands for the Host').to.equal('http://other.example/plain')
  })

  it('is refused when its target leads nowhere', async () => {
    for (const target of ['ftp://vid.example/plain', 'http:///plain', 'http://me@vid.example/plain', 'http://a\\b/plain'])
      expect(await codeOf(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`), target).to.equal('400 BAD_REQUEST close')
  })

  it('has exactly one Host, and a sound one', async () => {
    for (const hosts of [
      '',
      'Host: a\r\nHost: a\r\n',
      'Host: a\r\nhost: b\r\n',
      'Host: a b\r\n',
      'Host: a/b\r\n',
      'Host: u@a\r\n',
    ])
      expect(await codeOf(`GET /plain HTTP/1.1\r\n${hosts}\r\n`), hosts).to.equal('400 BAD_REQUEST close')
    for (const host of ['', 'a', 'a.example:80', '[::1]:80', '127.0.0.1:'])
      expect((await send(`GET /plain HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).answer.status, host).to.equal(200)
    expect((await send('GET /plain HTTP/1.0\r\n\r\n')).answer.status, 'of HTTP/1.0').to.equal(200)
  })

  it('names no transfer coding but chunked', async () => {
    const post = (coding: string) => `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\n\r\n`
    for (const coding of [
      'gzip',
      'gzip, chunked',
      'chunked, gzip',
      'chunked, chunked',
      'identity',
      'gzip\r\nTransfer-Encoding: chunked',
    ])
      expect(await codeOf(post(coding), '0\r\n\r\n'), coding).to.equal('501 NOT_IMPLEMENTED close')
    for (const both of ['chunked\r\nContent-Length: 3', 'gzip\r\nContent-Length: 3'])
      expect(await codeOf(post(both), '0\r\n\r\n'), both).to.equal('400 BAD_REQUEST close')
    const { answer, connection } = await send(post('Chunked'), 'c\r\n{"text":"x"}\r\n0\r\n\r\n')
    connection.socket.destroy()
    expect(answer.status).to.equal(201)
  })

  it('speaks HTTP/1', async () => {
    for (const version of ['2.0', '0.9', '3.0'])
      expect(await codeOf(`GET /plain HTTP/${version}\r\nHost: a\r\n\r\n`)).to.equal('505 HTTP_VERSION_NOT_SUPPORTED close')
    expect(await codeOf('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).to.equal('505 HTTP_VERSION_NOT_SUPPORTED close')
  })

  it('announces no compressed body', async () => {
    for (const coding of ['gzip', 'BR', 'identity, gzip', 'x']) {
      const answer = await app.ask('POST', '/echo', { 'Content-Encoding': coding }, '{"text":"x"}')
      expect([answer.status, answer.json().error.code, answer.header('accept-encoding')]).to.deep.equal([
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        'identity',
      ])
    }
    for (const coding of ['identity', ' Identity ', '', 'UTF-8'])
      expect((await app.ask('POST', '/echo', { 'Content-Encoding': coding }, '{"text":"x"}')).status).to.equal(201)
    expect((await app.ask('DELETE', '/things/1', { ...SESAME, 'Content-Encoding': 'gzip' }, 'x')).status, 'unread').to.equal(200)
  })

  describe('of a client that waits to be asked for the body', () => {
    const head = (method: string, target: string, headers: Record<string, string> = {}, length = 12) =>
      `${written(method, target, { ...EXPECT, 'Content-Length': String(length), ...headers })}`

    it('is answered at once where it decides alone', async () => {
      const cases: [number, string][] = [
        [404, head('POST', '/nowhere')],
        [405, head('POST', '/plain')],
        [307, head('POST', '/echo/')],
        [401, head('PATCH', '/things/1')],
        [400, head('PATCH', '/things/1?sort=down')],
        [413, head('POST', '/echo', {}, 2 ** 30)],
        [413, head('PATCH', '/things/1', {}, 2 ** 30)],
        [415, head('POST', '/echo', { 'Content-Encoding': 'gzip' })],
        [422, head('POST', '/echo', { 'Content-Type': 'text/plain' })],
        [401, head('PATCH', '/things/1', { 'Content-Type': 'text/plain' })],
        [200, head('DELETE', '/things/1', SESAME)],
        [417, head('POST', '/echo', { Expect: 'payment' })],
        [417, head('POST', '/echo', { Expect: '100-continue, payment' })],
        [501, head('POST', '/echo', { 'Transfer-Encoding': 'gzip, chunked' }).replace(/Content-Length.*\r\n/, '')],
      ]
      for (const [status, text] of cases) {
        const { answer, connection } = await send(text)
        expect([answer.status, answer.header('connection')], text).to.deep.equal([status, 'close'])
        connection.socket.destroy()
      }
    })

    it('is answered 100 where the body is wanted, and the connection serves on', async () => {
      const { answer, connection } = await send(head('POST', '/echo'))
      expect(answer.status).to.equal(100)
      connection.write('{"text":"x"}')
      const last = await connection.answer()
      expect([last.status, last.header('connection')]).to.deep.equal([201, 'keep-alive'])
      connection.write(head('PATCH', '/things/1', SESAME))
      expect((await connection.answer()).status).to.equal(100)
      connection.write('{"text":"y"}')
      expect((await connection.answer()).status).to.equal(200)
      connection.socket.destroy()
    })

    it('waits for nothing in HTTP/1.0', async () => {
      const { answer } = await send(`${head('POST', '/echo').replace('HTTP/1.1', 'HTTP/1.0')}{"text":"x"}`)
      expect(answer.status).to.equal(201)
    })
  })

  describe('that asks for an upgrade', () => {
    const H2C = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }

    it('is answered as if it did not, and is said to be the last of its connection', async () => {
      const cases: [number, string, string, string?][] = [
        [200, 'GET', '/plain'],
        [404, 'GET', '/nowhere'],
        [201, 'POST', '/echo', '{"text":"x"}'],
        [404, 'POST', '/nowhere', '{"text":"x"}'],
        [401, 'PATCH', '/things/1', '{"text":"x"}'],
        [413, 'POST', '/echo', ' '.repeat(1024 * 1024 + 1)],
      ]
      for (const [status, method, target, body] of cases)
        for (const upgrade of [H2C, { Connection: 'upgrade', Upgrade: 'websocket' }]) {
          const { answer, connection } = await send(written(method, target, upgrade, body))
          expect([answer.status, answer.header('connection')], `${method} ${target}`).to.deep.equal([status, 'close'])
          await connection.closed
        }
    })

    it('is answered whole however its body is cut, and also when it comes late', async () => {
      const bytes = written('POST', '/nowhere', H2C, '{"text":"x"}')
      for (let cut = bytes.length - 14; cut < bytes.length; cut++) {
        const connection = await open(app.port)
        connection.write(bytes.subarray(0, cut))
        if (cut < bytes.length - 12) connection.write(bytes.subarray(cut))
        const answer = await connection.answer()
        if (cut >= bytes.length - 12) connection.write(bytes.subarray(cut))
        expect([answer.status, answer.header('connection')]).to.deep.equal([404, 'close'])
        await connection.closed
      }
    })
  })
})
