import { expect } from 'chai'
import type { Model } from '#platform/llm/open.ts'
import { content, DONE, send } from './chat.ts'
import { ADMIN_TOKEN, type InProcess, type InProcessOptions, startInProcess } from './in-process.ts'
import { asking, refusal, seen } from './kit.ts'

const GUEST = { 'X-Guest-Session-ID': 'c0ffee' }

describe('chat without all that it needs', function () {
  this.timeout(60_000)
  let api: InProcess
  afterEach(() => api?.stop())

  /** A conversation about a video with a transcript, in a system with these options. */
  const talk = async (options: InProcessOptions, rows = [{ offset: 1, text: 'x' }]) => {
    api = await startInProcess(options)
    const video = 'dQw4w9WgXcQ'
    const worker = asking(api.url, { token: ADMIN_TOKEN })
    // Stored it is also when no view can show it.
    await worker('POST', `/v2/internal/videos/${video}/transcript`, { json: { transcript: rows } })
    const guest = asking(api.url, { headers: GUEST })
    const { id } = (await guest('POST', '/v2/conversations', { json: { video_id: video } })).json()
    return { id: id as number, guest, video, say: () => send(api.url, id, 'x', GUEST) }
  }
  const model: Model = {
    name: 'm',
    windowTokens: 2_000,
    async *reply({ instructions }) {
      yield `${Buffer.byteLength(instructions)} bytes, ${instructions.includes('[…]')}`
    },
  }
  const llm = { provider: 'Gemini', model }

  it('says whose key is missing, last of all, and saves nothing', async () => {
    const { guest, id, say } = await talk({ wiz: { llm: { provider: 'Gemini', model: undefined } } })
    const { head } = await say()
    expect([head.status, head.json().error]).to.deep.equal([
      500,
      { code: 'INTERNAL_ERROR', message: 'Gemini API key not configured', details: null },
    ])
    expect((await guest('GET', `/v2/conversations/${id}/messages`)).json()).to.deep.equal([])
    await api.objects.put('transcripts/dQw4w9WgXcQ.json', 'gone', 'application/json')
    await api.stop()
    const { say: again } = await talk({ wiz: { llm: { provider: 'OpenRouter', model: undefined } } })
    expect((await again()).head.json().error.message).to.equal('OpenRouter API key not configured')
  })

  it('says so when the transcript is not where it was put', async () => {
    const { say } = await talk({ wiz: { llm } })
    await api.objects.put('transcripts/dQw4w9WgXcQ.json', '[]', 'application/json')
    expect(seen((await say()).head)).to.deep.equal(refusal(404, 'Transcript data missing'))
  })

  it('answers with a quota of nothing, too', async () => {
    const { say } = await talk({ wiz: { llm, quotas: { user: 0, guest: 0 } } })
    expect((await say()).head.json().error.message).to.equal('Daily limit reached (0 guest messages/day)')
  })

  it('answers while no view is brought up to date', async () => {
    const { say } = await talk({ wiz: { llm }, isProjecting: false })
    const heard = await say()
    expect(heard.head.header('vidwiz-visible')).to.equal('false')
    const frames = await heard.rest()
    expect(frames.at(-1)).to.equal(DONE)
    expect(frames).to.have.length(2)
  })

  it('shows a model of a small window as much of a long video as fits', async () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => ({ offset: i, text: 'and so on' }))
    const { say } = await talk({ wiz: { llm } }, rows)
    const [answer, done] = await (await say()).rest()
    const bytes = Number(/"(\d+) bytes, true"/.exec(answer!)![1])
    expect(bytes).to.be.within(3_500, 1_500 * 3)
    expect([answer, done]).to.deep.equal([content(`${bytes} bytes, true`), DONE])
  })
})
