import { expect } from 'chai'
import { isWrite } from '#services/api/openapi/kinds.ts'
import { routes } from '#services/api/routes/index.ts'
import { anotherThan, granting, nameOf } from './granted.ts'
import type { InProcess } from './in-process.ts'
import { type Ask, newVideo, type Person, problems, refusal, seen, someone } from './kit.ts'

const ANOTHER = refusal(422, 'This Idempotency-Key was used with another request')

/** How a result may have been kept: as this code does, by code whose states had ids only, and by the code before that. */
const OLD_SHAPE = `jsonb_build_object('result', case jsonb_typeof(kept::jsonb -> 'result') when 'object'
  then (select jsonb_object_agg(name, value) from jsonb_each(kept::jsonb -> 'result') field (name, value) where name ~ '(Id|status)$')
  else kept::jsonb -> 'result' end)`
const KEPT_OTHERWISE = [
  'kept',
  `kept::jsonb || ${OLD_SHAPE} || '{"madeBy": "older code"}'`,
  `(kept::jsonb || ${OLD_SHAPE}) - '{madeBy,reads,ids}'::text[]`,
]

describe('under one Idempotency-Key', () => {
  const granted = granting()
  let api: InProcess
  let bob: Person
  before(() => {
    api = granted.api
    bob = granted.bob
  })

  const written = async () =>
    (await api.db.query<{ events: number }>('t.count', 'select count(*) as events from log.events'))[0]!.events

  for (const route of routes.filter(isWrite))
    it(`${nameOf(route)} gives the same answer again and does nothing twice; another request is refused`, async () => {
      const name = nameOf(route)
      const wish = await granted.wishFor(route)
      const { method, path, json, ask } = wish
      const headers = { 'Idempotency-Key': name }
      const first = await ask(method, path, { json, headers })
      expect(first.status, first.body).to.be.oneOf([200, 201, 202])
      expect(first.header('idempotency-replayed')).to.equal(undefined)
      const events = await written()
      for (const change of KEPT_OTHERWISE) {
        await api.db.connection((client) =>
          client.query(`update log.idempotency_keys set kept = (${change})::json where key = $1`, [name]),
        )
        const again = await ask(method, path, { json, headers })
        expect([...seen(again), again.header('idempotency-replayed')], change).to.deep.equal([...seen(first), 'true'])
        for (const header of ['etag', 'vidwiz-position', 'vidwiz-visible', 'content-type'])
          expect(again.header(header), `${header}, ${change}`).to.equal(first.header(header))
      }
      expect(await written(), 'nothing was done twice').to.equal(events)
      // Nobody has a key of his own before he has an account: another request is then another key.
      if (!route.spec.auth) return
      const other = await anotherThan(wish, route, granted)
      expect(seen(await other.ask(other.method, other.path, { json: other.json, headers }))).to.deep.equal(ANOTHER)
    })

  it('a refused write may be tried again, and a key must be sane', async () => {
    const { id } = (await bob.ask('POST', `/v2/videos/${newVideo()}/notes`, { json: { timestamp: '0:01' } })).json()
    const headers = { 'Idempotency-Key': 'second thoughts' }
    const patch = (json: unknown) => bob.ask('PATCH', `/v2/notes/${id}`, { json, headers })
    expect((await patch({})).status).to.equal(400)
    expect(problems(await patch({ text: 1 }))).to.have.length(1)
    expect((await patch({ text: 'x' })).status).to.equal(200)
    const insane = await bob.ask('PATCH', `/v2/notes/${id}`, { json: { text: 'y' }, headers: { 'Idempotency-Key': 'é' } })
    expect(seen(insane)).to.deep.equal(refusal(400, 'Idempotency-Key must be 1 to 255 printable ASCII characters'))
  })

  it('many at once get one answer', async () => {
    const path = `/v2/videos/${newVideo()}/notes`
    const headers = { 'Idempotency-Key': 'many' }
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => bob.ask('POST', path, { json: { timestamp: '0:01' }, headers })),
    )
    expect(new Set(answers.map((answer) => seen(answer).join(' '))).size).to.equal(1)
    expect((await bob.ask('GET', path)).json()).to.have.length(1)
  })

  it('of one person is nothing to another', async () => {
    const eve = await someone(api.url)
    const headers = { 'Idempotency-Key': 'mine' }
    const rename = (ask: Ask, name: string) => ask('PATCH', '/v2/users/me', { json: { name }, headers })
    expect((await rename(bob.ask, 'Robert')).json().name).to.equal('Robert')
    const hers = await rename(eve.ask, 'Evelyn')
    expect([hers.json().name, hers.header('idempotency-replayed')]).to.deep.equal(['Evelyn', undefined])
  })
})
