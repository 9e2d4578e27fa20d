import { expect } from 'chai'
import { scheduleTask, usualPolicy } from '#events/task.ts'
import { readSettings } from '#platform/config/settings.ts'
import { openLlm } from '#platform/llm/open.ts'
import { youtubeSearch } from '#platform/youtube/search.ts'
import { isWrite } from '#services/api/openapi/kinds.ts'
import { routes } from '#services/api/routes/index.ts'
import { KEY, startYouTube, type YouTube } from '#test/kit/youtube.ts'
import { send, talkingModel } from './chat.ts'
import { ADMIN_TOKEN, type InProcess, startInProcess } from './in-process.ts'
import { type Ask, asking, newVideo, type Person, problems, refusal, seen, someone } from './kit.ts'

/** What a client asks for under one key: the same again and again, or something else. */
interface Wish {
  path: string
  json?: unknown
  /** Another body; without it, another request is one to another path. */
  other?: unknown
  ask?: Ask
}

const ANOTHER = refusal(422, 'This Idempotency-Key was used with another request')

/** How a result may have been kept: as this code does, by code with another shape of states, and by the code before that. */
const OLD_SHAPE = `jsonb_build_object('result', case jsonb_typeof(kept::jsonb -> 'result')
  when 'object' then (kept::jsonb -> 'result') - '{version,updatedAt,createdAt,userId,generatedByAi}'::text[] else kept::jsonb -> 'result' end)`
const KEPT_OTHERWISE = [
  'kept',
  `kept::jsonb || ${OLD_SHAPE} || '{"madeBy": "older code"}'`,
  `(kept::jsonb || ${OLD_SHAPE}) - '{madeBy,reads,ids}'::text[]`,
]

describe('under one Idempotency-Key', () => {
  const model = talkingModel()
  let api: InProcess
  let youtube: YouTube
  let bob: Person
  let worker: Ask
  before(async function () {
    this.timeout(60_000)
    const llm = await openLlm(readSettings({ GEMINI_API_KEY: 'a key that only tests use', GEMINI_BASE_URL: model.url }))
    youtube = await startYouTube()
    const search = youtubeSearch({ url: youtube.url, key: KEY })
    api = await startInProcess({ wiz: { llm }, search })
    bob = await someone(api.url)
    worker = asking(api.url, { token: ADMIN_TOKEN })
    model.answer(() => ['Hello.'])
  })
  after(async () => {
    await api?.stop()
    await youtube?.close()
  })

  const asked = async (answer: ReturnType<Ask>) => {
    const { status, body, json } = await answer
    expect(status, body).to.be.within(200, 201)
    return json()
  }
  const note = () => asked(bob.ask('POST', `/v2/videos/${newVideo()}/notes`, { json: { timestamp: '0:01' } }))
  const video = () => `/v2/internal/videos/${newVideo()}`

  /** Every write there is. */
  const wishes: Record<string, () => Promise<Wish> | Wish> = {
    'POST /v2/videos/:video_id/notes': () => ({
      path: `/v2/videos/${newVideo()}/notes`,
      json: { timestamp: '0:01', text: 'x' },
      other: { timestamp: '0:02', text: 'x' },
    }),
    'POST /v2/notes/by-title': () => {
      const video_title = newVideo()
      youtube.videos = [{ videoId: newVideo(), title: video_title }]
      return { path: '/v2/notes/by-title', json: { video_title, timestamp: '0:01' }, other: { video_title, timestamp: '0:02' } }
    },
    'POST /v2/videos/:video_id/study': async () => ({
      path: `/v2/videos/${(await note()).video_id}/study`,
      json: { language: 'en' },
      other: { language: 'hi' },
    }),
    'PATCH /v2/notes/:note_id': async () => ({
      path: `/v2/notes/${(await note()).id}`,
      json: { text: 'x' },
      other: { text: 'y' },
    }),
    'DELETE /v2/notes/:note_id': async () => ({ path: `/v2/notes/${(await note()).id}` }),
    'POST /v2/conversations': () => ({
      path: '/v2/conversations',
      json: { video_id: newVideo() },
      other: { video_id: newVideo() },
    }),
    'POST /v2/conversations/:conversation_id/messages': async () => {
      const video_id = newVideo()
      const { id } = await asked(bob.ask('POST', '/v2/conversations', { json: { video_id } }))
      const transcript = [{ offset: 0, text: 'x' }]
      await asked(worker('POST', `/v2/internal/videos/${video_id}/transcript`, { json: { transcript } }))
      const listen: Ask = async (_, __, { json, headers } = {}) => {
        const { message } = json as { message: string }
        const heard = await send(api.url, id, message, { Authorization: `Bearer ${bob.token}`, ...headers })
        return heard.head.status === 200 ? { ...heard.head, body: (await heard.rest()).join('') } : heard.head
      }
      return { path: `/v2/conversations/${id}/messages`, json: { message: 'x' }, other: { message: 'y' }, ask: listen }
    },
    'PATCH /v2/users/me': () => ({ path: '/v2/users/me', json: { name: 'Robert' }, other: { name: 'Bert' } }),
    'POST /v2/auth/register': () => ({
      path: '/v2/auth/register',
      json: { email: `${newVideo()}@example.com`, password: 'pass word', name: 'New' },
      ask: asking(api.url),
    }),
    'POST /v2/auth/tokens': () => ({ path: '/v2/auth/tokens' }),
    'DELETE /v2/auth/tokens': () => ({ path: '/v2/auth/tokens' }),
    'POST /v2/internal/videos/:video_id/transcript': () => ({
      path: `${video()}/transcript`,
      json: { transcript: [{ text: 'x' }] },
      other: { transcript: [] },
      ask: worker,
    }),
    'POST /v2/internal/videos/:video_id/metadata': () => ({
      path: `${video()}/metadata`,
      json: { metadata: { a: 1 } },
      other: { metadata: {} },
      ask: worker,
    }),
    'POST /v2/internal/videos/:video_id/summary': () => ({
      path: `${video()}/summary`,
      json: { summary: 's' },
      other: { summary: 't' },
      ask: worker,
    }),
    'PATCH /v2/internal/notes/:note_id': async () => ({
      path: `/v2/internal/notes/${(await note()).id}`,
      json: { text: 'x' },
      other: { text: 'y' },
      ask: worker,
    }),
    'POST /v2/internal/media/:video_id': async () => {
      const video_id = newVideo()
      await asked(bob.ask('POST', `/v2/videos/${video_id}/notes`, { json: { timestamp: '0:01' } }))
      const json = { status: 'processing' }
      return { path: `/v2/internal/media/${video_id}`, json, other: { ...json, job_id: 1 }, ask: worker }
    },
    'POST /v2/internal/tasks/:task_id/result': async () => {
      const video_id = newVideo()
      await asked(bob.ask('POST', `/v2/videos/${video_id}/notes`, { json: { timestamp: '0:01' } }))
      const schedule = scheduleTask({ kind: 'metadata', videoId: video_id, policy: usualPolicy })
      await api.execute(schedule, { actor: null, correlationId: null })
      const { task_id, task_details } = await asked(worker('GET', '/v2/internal/tasks?type=metadata&timeout=30'))
      expect(task_details).to.deep.equal({ video_id })
      const json = { video_id, success: true, metadata: { a: 1 } }
      return { path: `/v2/internal/tasks/${task_id}/result`, json, other: { video_id, success: false }, ask: worker }
    },
  }

  const written = async () =>
    (await api.db.query<{ events: number }>('t.count', 'select count(*) as events from log.events'))[0]!.events

  it('every write is tried here', () =>
    expect(Object.keys(wishes).sort()).to.deep.equal(
      routes
        .filter(isWrite)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ))

  for (const [name, wish] of Object.entries(wishes))
    it(`${name} gives the same answer again and does nothing twice; another request is refused`, async () => {
      const method = name.split(' ')[0]!
      const { path, json, other, ask = bob.ask } = await wish()
      const headers = { 'Idempotency-Key': name }
      const first = await ask(method, path, { json, headers })
      expect(first.status, first.body).to.be.oneOf([200, 201, 202])
      expect(first.header('idempotency-replayed')).to.equal(undefined)
      const events = await written()
      for (const change of KEPT_OTHERWISE) {
        await api.db.connection((client) => client.query(`update log.keys set kept = (${change})::json where key = $1`, [name]))
        const again = await ask(method, path, { json, headers })
        expect([...seen(again), again.header('idempotency-replayed')], change).to.deep.equal([...seen(first), 'true'])
        for (const header of ['etag', 'vidwiz-position', 'vidwiz-visible', 'content-type'])
          expect(again.header(header), `${header}, ${change}`).to.equal(first.header(header))
      }
      if (other) expect(seen(await ask(method, path, { json: other, headers }))).to.deep.equal(ANOTHER)
      else if (ask === bob.ask)
        expect(seen(await bob.ask('PATCH', '/v2/users/me', { json: { name: 'Eve' }, headers }))).to.deep.equal(ANOTHER)
      expect(await written(), 'nothing was done twice').to.equal(events)
    })

  it('a refused write may be tried again, and a key must be sane', async () => {
    const { id } = await note()
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
