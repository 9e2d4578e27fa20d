import { expect } from 'chai'
import { newVideo, type Person, refusal, seen, system } from './kit.ts'

const CHANGED = refusal(412, 'It has changed since you read it: read it again, then decide')
const MALFORMED = refusal(400, 'If-Match must be * or ETags in double quotes')

describe('ETags', () => {
  const api = system()
  let bob: Person
  before(async () => {
    bob = await api.someone()
  })

  const note = async () => {
    const answer = await bob.ask('POST', `/v2/videos/${newVideo()}/notes`, { json: { timestamp: '0:01' } })
    return { path: `/v2/notes/${answer.json().id}`, etag: answer.header('etag')!, body: answer.body }
  }
  const patch = (path: string, json: unknown, ifMatch?: string) =>
    bob.ask('PATCH', path, { json, headers: ifMatch === undefined ? {} : { 'If-Match': ifMatch } })
  const get = (path: string, ifNoneMatch?: string) =>
    bob.ask('GET', path, { headers: ifNoneMatch === undefined ? {} : { 'If-None-Match': ifNoneMatch } })

  it('of a note and of a profile change with each change, and only then', async () => {
    const { path, etag, body } = await note()
    expect(etag).to.match(/^"note-\d+@1~[\w-]{8}"$/)
    const read = await get(path)
    expect([read.header('etag'), read.body]).to.deep.equal([etag, body])
    const same = await patch(path, { generated_by_ai: false })
    expect(same.header('etag')).to.equal(etag)
    const edited = await patch(path, { text: 'x' })
    expect(edited.header('etag')).to.equal(etag.replace('@1', '@2'))
    expect((await get(path)).header('etag')).to.equal(edited.header('etag'))

    const me = (await get('/v2/users/me')).header('etag')
    expect(me).to.match(new RegExp(`^"user-${bob.id}@1~[\\w-]{8}"$`))
    const at = (version: number) => me!.replace('@1', `@${version}`)
    expect((await patch('/v2/users/me', {})).header('etag')).to.equal(me)
    expect((await patch('/v2/users/me', { name: 'Robert' })).header('etag')).to.equal(at(2))
    await bob.ask('POST', '/v2/auth/tokens')
    expect((await get('/v2/users/me')).header('etag'), 'the token shows in the profile').to.equal(at(3))
  })

  it('can be read by pages of other origins; lists and errors have none', async () => {
    const { path } = await note()
    const answer = await bob.ask('GET', path, { headers: { Origin: 'https://app.example' } })
    expect(answer.header('access-control-expose-headers')).to.include('ETag')
    for (const none of ['/v2/videos', `/v2/videos/${newVideo()}/notes`, '/v2/notes/999999999'])
      expect((await get(none)).header('etag'), none).to.equal(undefined)
  })

  it('spare who has the state already the answer', async () => {
    const { path, etag } = await note()
    for (const [where, tag] of [
      [path, etag],
      ['/v2/users/me', (await get('/v2/users/me')).header('etag')!],
    ] as const) {
      const answer = await get(where, `"other", W/${tag}`)
      expect([
        ...seen(answer),
        answer.header('etag'),
        answer.header('content-type'),
        answer.header('content-length'),
      ]).to.deep.equal([304, '', tag, undefined, undefined])
      expect((await get(where, '"other"')).status).to.equal(200)
      expect((await get(where, 'nonsense')).status).to.equal(200)
    }
    await patch(path, { text: 'new' })
    expect((await get(path, etag)).status).to.equal(200)
  })

  it('let one write only on what one has seen', async () => {
    const { path, etag } = await note()
    const edited = await patch(path, { text: 'a' }, etag)
    expect(edited.status).to.equal(200)
    expect(seen(await patch(path, { text: 'b' }, etag))).to.deep.equal(CHANGED)
    expect(seen(await patch(path, { text: 'a' }, etag)), 'though nothing would change').to.deep.equal(CHANGED)
    expect(seen(await bob.ask('DELETE', path, { headers: { 'If-Match': etag } }))).to.deep.equal(CHANGED)
    const now = edited.header('etag')!
    for (const other of [`W/${now}`, '"x"', now.replace('note', 'user'), now.replace('@2', '@02')])
      expect(seen(await patch(path, { text: 'b' }, other)), other).to.deep.equal(CHANGED)
    expect((await patch(path, { text: 'b' }, `"x", ${now}`)).status).to.equal(200)
    expect((await patch(path, { text: 'c' }, '*')).status).to.equal(200)
    for (const none of ['x', now.slice(1), '"a" b']) expect(seen(await patch(path, { text: 'd' }, none))).to.deep.equal(MALFORMED)
    expect((await bob.ask('DELETE', path, { headers: { 'If-Match': (await get(path)).header('etag')! } })).status).to.equal(200)
    expect((await patch(path, { text: 'd' }, '*')).status).to.equal(404)

    const me = (await get('/v2/users/me')).header('etag')!
    expect((await patch('/v2/users/me', { name: 'Rob' }, me)).status).to.equal(200)
    expect(seen(await patch('/v2/users/me', { name: 'Bert' }, me))).to.deep.equal(CHANGED)
  })

  it('of an answer of another shape are stale: an upgrade shows, and who held one reads again and goes on', async () => {
    const { path, etag } = await note()
    for (const [where, now, change] of [
      [path, etag, { text: 'new' }],
      ['/v2/users/me', (await get('/v2/users/me')).header('etag')!, { name: 'Robin' }],
    ] as const)
      for (const old of [now.replace(/~.*/, '"'), now.replace(/~.*/, '~AAAAAAAA"')]) {
        expect((await get(where, old)).status, old).to.equal(200)
        expect(seen(await patch(where, change, old)), old).to.deep.equal(CHANGED)
        expect((await patch(where, change, (await get(where)).header('etag')!)).status).to.equal(200)
      }
  })

  it('let exactly one of many win who have seen the same (P4)', async () => {
    const { path, etag } = await note()
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => patch(path, { text: `mine ${n}` }, etag)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won).to.have.length(1)
    expect(answers.filter((answer) => answer !== won[0]).map(seen)).to.deep.equal(Array(11).fill(CHANGED))
    expect((await get(path)).body).to.equal(won[0]!.body)
  })
})
