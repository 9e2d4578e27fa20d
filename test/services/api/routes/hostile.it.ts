import { expect } from 'chai'
import { z } from 'zod'
import { failure } from '#platform/http/errors.ts'
import { routesOf } from '#platform/http/route.ts'
import { VideoIdError, videoIdOf } from '#services/api/video-id.ts'
import { open } from '#test/platform/http/raw.ts'
import { smallApp } from '#test/platform/http/small-app.ts'
import { newVideo, type Person, plain, problems, refusal, seen, signed, system } from './kit.ts'

describe('somebody hostile', () => {
  const api = system()
  let bob: Person
  let note: number
  before(async () => {
    bob = await api.someone()
    const answer = await bob.ask('POST', `/v2/videos/${newVideo()}/notes`, { json: { timestamp: '0:01', text: 'mine' } })
    note = answer.json().id
  })
  const unharmed = async () => {
    expect(api.stack.output, 'nobody complained or died').to.deep.equal([])
    expect(await api.eventsOf(`note-${note}`)).to.deep.equal(['NoteCreated'])
  }

  it('has no body looked through before it is known who asks', async () => {
    let looks = 0
    const body = z.unknown().transform(() => void looks++)
    const auth = ({ headers }: { headers: { authorization?: string } }) => {
      if (!headers.authorization) throw failure(401, 'UNAUTHORIZED', 'Who are you?')
    }
    const post = routesOf()('POST', '/', { auth, body, answers: { 200: z.unknown() } }, async () => ({}))
    const app = await smallApp({ routes: [post] })
    expect((await app.ask('POST', '/', {}, '{}')).status).to.equal(401)
    expect(looks).to.equal(0)
    expect((await app.ask('POST', '/', { Authorization: 'x' }, '{}')).status).to.equal(200)
    expect(looks).to.equal(1)
    await app.close()
  })

  it('is not told of more than a thousand problems', async () => {
    const json = Object.fromEntries(Array.from({ length: 30_000 }, (_, n) => [`k${n}`, n]))
    const told = problems(await bob.ask('PATCH', `/v2/notes/${note}`, { json }))
    expect([told.length, told[0]![0], told[999]![0]]).to.deep.equal([1000, 'body.k0', 'body.k999'])
    await unharmed()
  })

  it('is not heard to the end where all that can be told is told, and the others are answered meanwhile', async () => {
    const store = (what: string, body: string) =>
      api.worker('POST', `/v2/internal/videos/${newVideo()}/${what}`, { body, headers: { 'Content-Type': 'application/json' } })
    // Were all of them looked at, the process would run out of memory.
    const ones = `{"transcript":[${'1,'.repeat(5_000_000)}1]}`
    const told = problems(await store('transcript', ones))
    expect([told.length, told[0]![0], told[999]![0]]).to.deep.equal([1000, 'body.transcript.0', 'body.transcript.999'])
    const keys = `{"metadata":{${Array.from({ length: 100_000 }, (_, n) => `"${n}":1`).join(',')}}}`
    const tooMany = (most: number) => {
      const message = `Request body consists of more than ${most} lists, objects and keys`
      return [413, { code: 'PAYLOAD_TOO_LARGE', message, details: null }]
    }
    const refused = async (what: string, body: string) => {
      const answer = await store(what, body)
      return [answer.status, answer.json().error]
    }
    expect(await refused('metadata', keys)).to.deep.equal(tooMany(50_000))
    const rows = `{"transcript":[${'{},'.repeat(1_100_000)}{}]}`
    expect(await refused('transcript', rows)).to.deep.equal(tooMany(1_000_000))
    const [answers, health] = [['transcript', 'transcript'].map((what) => store(what, ones)), api.ask('GET', '/health')]
    const first = await Promise.race([health.then(() => 'health'), ...answers.map((answer) => answer.then(() => 'large'))])
    expect(first).to.equal('health')
    expect((await Promise.all(answers)).map(({ status }) => status)).to.deep.equal([422, 422])
    await unharmed()
  })

  it('finds no text that takes the square of its length to read', () => {
    // Were it so, this would outlast the test.
    for (const part of [':', '@', '/', '[]', 'www.', '?v=', '%', ' ', 'youtube.com'])
      expect(() => videoIdOf(`${part.repeat(500_000)}\nx`), part).to.throw(VideoIdError)
  })

  it('cannot reach into objects by the names of their insides', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
      const body = `{"${name}":{"timestamp":"1:23","text":"x","polluted":true},"text":{"${name}":1}}`
      const created = await bob.ask('POST', `/v2/videos/${newVideo()}/notes`, { body })
      expect(problems(created).map(([field]) => field)).to.deep.equal(['body.timestamp', 'body.text'])
      const patched = await bob.ask('PATCH', `/v2/notes/${note}`, { body: `{"${name}":{"text":"x"}}` })
      expect(problems(patched)).to.deep.equal([[`body.${name}`, 'extra_forbidden', 'Extra inputs are not permitted']])
      expect((await bob.ask('GET', `/v2/videos?${name}=x&${name}[page]=0`)).status).to.equal(200)
      expect(seen(await bob.ask('GET', `/v2/videos?sort=${name}`))).to.deep.equal(refusal(400, 'Invalid sort parameter'))
      expect(seen(await bob.ask('GET', `/${name}`))).to.deep.equal(plain(404, 'Not Found'))
    }
    await unharmed()
  })

  it('cannot put a line of its own into an answer', async () => {
    const lines = async (target: string, headers: string) => {
      const connection = await open(Number(new URL(api.stack.url).port))
      connection.write(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n\r\n`, 'latin1'))
      const answer = await connection.answer()
      connection.socket.destroy()
      return answer
    }
    for (const target of [
      '/health/?a=%0d%0aSet-Cookie:%20a=b',
      '/health%0d%0aSet-Cookie:%20a=b/',
      '/v2/videos/%0d%0aSet-Cookie:a=b/',
    ])
      for (const headers of [
        'X-Request-ID: a%0d%0ab',
        'Origin: a%0d%0aSet-Cookie: x\r\nCookie: x',
        'Origin: \xe9\xff\r\nCookie: x',
      ]) {
        const answer = await lines(target, headers)
        expect(answer.status).to.be.oneOf([307, 404])
        expect(answer.header('set-cookie')).to.equal(undefined)
        expect(answer.header('location') ?? '').not.to.match(/[\r\n]/)
      }
    for (const control of ['\x01', '\x0b', '\x7f', '\r', '\0'])
      expect((await lines('/health', `Origin: a${control}b\r\nCookie: x`)).status).to.equal(400)
    await unharmed()
  })

  it('cannot do anything to the notes of others, nor learn that there are any', async () => {
    const mallory = await api.someone()
    const nobody = 999_999_999
    for (const [method, json] of [
      ['PATCH', { text: 'x' }],
      ['PATCH', {}],
      ['PATCH', { bad: 1 }],
      ['DELETE', undefined],
    ] as const) {
      const answers = [note, nobody].map((id) => mallory.ask(method, `/v2/notes/${id}`, { json }))
      const [theirs, none] = (await Promise.all(answers)).map(seen)
      expect(theirs).to.deep.equal(none).and.to.deep.equal(refusal(404, 'Note not found'))
    }
    await unharmed()
  })

  it('gets nothing by a token with strange claims, even rightly signed', async () => {
    const { secretKey: secret } = api.stack
    for (const user_id of [
      [bob.id],
      { id: bob.id },
      `${bob.id} or 1=1`,
      `${bob.id}\0`,
      -bob.id,
      bob.id + 0.5,
      2 ** 53,
      '9'.repeat(99),
      true,
      'user-1',
    ])
      for (const [method, path] of [
        ['GET', '/v2/users/me'],
        ['POST', '/v2/auth/tokens'],
        ['DELETE', `/v2/notes/${note}`],
      ])
        expect(seen(await api.ask(method!, path!, { token: signed({ user_id }, { secret }) }))).to.deep.equal(
          refusal(401, 'Invalid or expired token'),
        )
    await unharmed()
  })
})
