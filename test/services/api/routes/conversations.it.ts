import { expect } from 'chai'
import { guestsOf } from '#services/api/auth/guests.ts'
import {
  A_TIME,
  type Ask,
  asking,
  extra,
  newVideo,
  noString,
  type Person,
  problems,
  refusal,
  required,
  seen,
  system,
  wrong,
} from './kit.ts'

const NOT_FOUND = refusal(404, 'Conversation not found')
const NOBODY = refusal(401, 'Missing Auth or Guest ID')
const SESSION = 'c0ffee00-0000-4000-8000-000000000000'

describe('the routes of conversations', () => {
  const api = system()
  let bob: Person
  let guest: Ask
  before(async () => {
    bob = await api.someone()
    guest = asking(api.stack.url, { headers: { 'X-Guest-Session-ID': SESSION } })
  })

  const start = (ask: Ask, video_id: unknown) => ask('POST', '/v2/conversations', { json: { video_id } })
  const started = async (ask: Ask, video: string) => {
    const answer = await start(ask, video)
    expect(answer.status, answer.body).to.equal(201)
    return answer.json()
  }

  describe('POST /v2/conversations', () => {
    it('answers with a new conversation each time, in the order of the contract, and adds the video once', async () => {
      const video = newVideo()
      const answer = await start(bob.ask, `https://www.youtube.com/watch?v=${video}&t=1`)
      const { id, created_at } = answer.json()
      expect(seen(answer)).to.deep.equal([
        201,
        `{"id":${id},"video_id":"${video}","created_at":"${created_at}","updated_at":"${created_at}"}`,
      ])
      expect(created_at).to.match(A_TIME)
      expect((await started(bob.ask, video)).id).not.to.equal(id)
      expect(await api.eventsOf(`video-${video}`)).to.deep.equal(['VideoAdded'])
      expect((await bob.ask('GET', `/v2/videos/${video}`)).json()).to.include({ title: null, transcript_available: false })
      expect((await bob.ask('GET', '/v2/videos')).json().total, 'a video is listed by its notes').to.equal(0)
    })

    it('is open to guests, and knows them by a name that is not their session id', async () => {
      const { id } = await started(guest, newVideo())
      const [row] = await api.db.query<{ viewer: string }>(
        't.v',
        'select viewer from views.conversations where conversation_id = $1',
        [id],
      )
      expect(row!.viewer).to.equal(`guest-${guestsOf(api.stack.secretKey)(SESSION)}`)
    })

    it('belongs to the user when there is a guest beside', async () => {
      const both = asking(api.stack.url, { token: bob.token, headers: { 'X-Guest-Session-ID': SESSION } })
      const { id } = await started(both, newVideo())
      expect((await bob.ask('GET', `/v2/conversations/${id}`)).status).to.equal(200)
      expect(seen(await guest('GET', `/v2/conversations/${id}`))).to.deep.equal(NOT_FOUND)
      const expired = asking(api.stack.url, { token: 'expired', headers: { 'X-Guest-Session-ID': SESSION } })
      expect((await guest('GET', `/v2/conversations/${(await started(expired, newVideo())).id}`)).status).to.equal(200)
    })

    it('says in this order: what cannot be read, who asks, all that is wrong', async () => {
      expect(problems(await api.ask('POST', '/v2/conversations', { body: '{' }))[0]![1]).to.equal('json_invalid')
      expect(seen(await start(api.ask, 1))).to.deep.equal(NOBODY)
      expect(problems(await guest('POST', '/v2/conversations'))).to.deep.equal([required('body')])
      expect(problems(await start(guest, undefined))).to.deep.equal([required('body.video_id')])
      expect(problems(await start(guest, 1))).to.deep.equal([noString('body.video_id')])
      expect(problems(await start(guest, 'x'))).to.deep.equal([
        wrong('body.video_id', 'video_id must be a valid YouTube video ID'),
      ])
      const more = { video_id: newVideo(), title: 'T' }
      expect(problems(await guest('POST', '/v2/conversations', { json: more }))).to.deep.equal([extra('body.title')])
    })

    it('gives a repeated Idempotency-Key the same conversation', async () => {
      const headers = { 'Idempotency-Key': 'once' }
      const json = { video_id: newVideo() }
      const first = await bob.ask('POST', '/v2/conversations', { json, headers })
      const again = await bob.ask('POST', '/v2/conversations', { json, headers })
      expect(seen(again)).to.deep.equal(seen(first))
      expect(again.header('idempotency-replayed')).to.equal('true')
    })
  })

  describe('GET /v2/conversations/{id} and its messages', () => {
    it('show it to its owner, as it was answered, and to nobody else', async () => {
      const answer = await start(bob.ask, newVideo())
      const { id } = answer.json()
      expect(seen(await bob.ask('GET', `/v2/conversations/${id}`))).to.deep.equal([200, answer.body])
      expect(seen(await bob.ask('GET', `/v2/conversations/${id}/messages`))).to.deep.equal([200, '[]'])
      for (const path of [`/v2/conversations/${id}`, `/v2/conversations/${id}/messages`]) {
        expect(seen(await guest('GET', path))).to.deep.equal(NOT_FOUND)
        expect(seen(await (await api.someone()).ask('GET', path))).to.deep.equal(NOT_FOUND)
        expect(seen(await api.ask('GET', path))).to.deep.equal(NOBODY)
      }
    })

    it('want a number that a conversation can have', async () => {
      for (const more of ['', '/messages']) {
        const path = (id: unknown) => `/v2/conversations/${id}${more}`
        expect(seen(await api.ask('GET', path('x')))).to.deep.equal(NOBODY)
        expect(problems(await guest('GET', path('x')))[0]).to.include('int_parsing')
        for (const low of [0, -1]) expect(problems(await guest('GET', path(low)))[0]).to.include('greater_than_equal')
        for (const high of [999_999_999, '9'.repeat(400)]) expect(seen(await guest('GET', path(high)))).to.deep.equal(NOT_FOUND)
      }
    })
  })
})
