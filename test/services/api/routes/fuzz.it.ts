import { expect } from 'chai'
import fc from 'fast-check'
import { routes } from '#services/api/routes/index.ts'
import { CLIENT_ID, type Issuer, startIssuer } from '#test/kit/issuer.ts'
import { type ModelServer, startModelServer } from '#test/kit/model-server.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { KEY, startYouTube, type YouTube } from '#test/kit/youtube.ts'
import { type Attack, attacks } from './fuzz/attacks.ts'
import { fired, whatIsWrong } from './fuzz/judge.ts'
import type { Keys } from './fuzz/keys.ts'
import { newVideo, system } from './kit.ts'

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? (process.env.FAULT_ROUNDS ? 10_000 : 3000))
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
const AT_ONCE = 8
/** Made at a time: some are large. */
const BATCH = 250

/** Some attacks hold such a position. */
const BEYOND = 'a client holds a position beyond the end of the log'

/** Routes that no request made from their description alone can satisfy. */
const BEYOND_GUESSING = [
  'POST /v2/internal/tasks/:task_id/result', // wants a task that is under way, and its video
  'POST /v2/internal/media/:video_id', // wants a job
  'GET /v2/internal/videos/:video_id/ai-notes', // wants an empty note of somebody who has notes by AI on just then
]

describe(`the API under ${REQUESTS} requests that nobody should send (FUZZ_SEED=${SEED})`, function () {
  this.timeout(60_000 + REQUESTS * 60)
  let issuer: Issuer
  let models: ModelServer
  let youtube: YouTube
  before(async () => {
    issuer = await startIssuer()
    models = await startModelServer()
    youtube = await startYouTube()
    youtube.videos = [{ videoId: 'searchedFor', title: 'text' }]
  })
  after(async () => {
    await issuer.close()
    await models.stop()
    await youtube.close()
  })
  const api = system(() => ({
    GOOGLE_CLIENT_ID: CLIENT_ID,
    GOOGLE_CERTS_URL: issuer.url,
    YOUTUBE_API_KEY: KEY,
    YOUTUBE_API_URL: youtube.url,
    GEMINI_API_KEY: 'k',
    GEMINI_BASE_URL: models.url,
    TRUST_PROXY: '1',
    RATE_LIMIT_DISABLED: '',
    RATE_LIMIT_LOGIN: '1000000/60',
    RATE_LIMIT_REGISTER: '1000000/60',
  }))

  async function keysOf(): Promise<Keys> {
    const bob = await api.someone()
    const video = newVideo()
    const note = await bob.ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '0:01' } })
    const talk = await bob.ask('POST', '/v2/conversations', { json: { video_id: video } })
    return {
      secret: api.stack.secretKey,
      admin: api.stack.adminToken,
      userId: bob.id,
      user: bob.token,
      longTerm: (await bob.ask('POST', '/v2/auth/tokens')).json().token,
      credential: issuer.credential(),
      note: note.json().id,
      conversation: talk.json().id,
      video,
    }
  }

  it('answers each with less than 500 and an error of one of two shapes, lives on, and its views can be replayed', async () => {
    const arbitrary = attacks(await keysOf())
    const pids = api.stack.parts.pids()
    const statuses = new Map<number | undefined, number>()
    const granted = new Set<string>()
    const wrong: string[] = []

    let made = 0
    let batch: Attack[] = []
    const next = () => {
      if (batch.length === 0 && made < REQUESTS) {
        batch = fc.sample(arbitrary, { seed: SEED + made, numRuns: Math.min(BATCH, REQUESTS - made) })
        made += batch.length
      }
      return batch.pop()
    }
    const port = Number(new URL(api.stack.url).port)
    const attacker = async () => {
      for (let attack = next(); attack; attack = next()) {
        const answer = await fired(port, attack)
        statuses.set(answer?.status, (statuses.get(answer?.status) ?? 0) + 1)
        if (answer && answer.status < 400 && attack.route) granted.add(attack.route)
        const why = whatIsWrong(answer, attack)
        if (why)
          wrong.push(`${why}: ${answer?.status} ${answer?.body.slice(0, 300)} to ${attack.bytes.toString('latin1', 0, 1000)}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, attacker))

    expect(wrong.slice(0, 5), `${wrong.length} of ${REQUESTS}`).to.deep.equal([])
    expect((await api.ask('GET', '/health')).status).to.equal(200)
    expect(api.stack.parts.pids(), 'nobody died').to.deep.equal(pids)
    const complaints = api.stack.output.filter((line) => !line.includes(BEYOND))
    expect(complaints, 'nobody complained').to.deep.equal([])
    expect(await api.db.query('t.letters', 'select * from log.dead_letters'), 'no event is poison').to.deep.equal([])
    await everyViewEqualsItsReplay(api.stack.databaseUrl)
    // All that for nothing if nothing got through.
    for (const status of [200, 201, 400, 401, 404, 405, 422]) expect(statuses.get(status) ?? 0, `${status}`).to.be.greaterThan(0)
    const guessable = routes.map(({ method, path }) => `${method} ${path}`).filter((route) => !BEYOND_GUESSING.includes(route))
    expect(
      guessable.filter((route) => !granted.has(route)),
      'a right value of some field is not known',
    ).to.deep.equal([])
  })
})
