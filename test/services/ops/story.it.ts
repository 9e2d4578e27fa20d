// biome-ignore-all lint/suspicious/noExplicitAny: answers of the server are looked into
import { expect } from 'chai'
import type { Recorded } from '#events/kit/envelope.ts'
import { createNote } from '#events/note.ts'
import { EVENT_COLUMNS } from '#platform/log/postgres/rows.ts'
import { eventually } from '#test/kit/eventually.ts'
import { onKafka } from '#test/kit/log.ts'
import { type Ops, startOps, VIEWER } from '#test/kit/ops.ts'

const VIDEO = 'dQw4w9WgXcQ'
const SECRET = 'what only its author may read'
const TRACE = '0af7651916cd43dd8448eb211c80319c'

describe('stories and topics, on the page', function () {
  this.timeout(60_000)
  let ops: Ops
  let created: Recorded
  before(async () => {
    ops = await startOps()
    const context = { actor: 'user-7', correlationId: 'request-1', traceparent: `00-${TRACE}-b7ad6b7169203331-01` }
    const about = { videoId: VIDEO, userId: 7, timestamp: '0:01' }
    await ops.execute(createNote({ ...about, text: SECRET }), context)
    for (let i = 0; i < 4; i++)
      await ops.execute(createNote({ ...about, text: `${i}` }), { actor: 'user-7', correlationId: 'request-2' })
    await ops.settled()
    ;[created] = (await ops.db.query<Recorded>(
      't.created',
      `select ${EVENT_COLUMNS} from log.events where correlation_id = 'request-1' and type = 'NoteCreated'`,
    )) as [Recorded]
  })
  after(() => ops?.stop())

  const storyOf = async (name: string) => {
    const { status, body } = await ops.viewer.get(`/api/story?of=${encodeURIComponent(name)}`)
    expect(status, JSON.stringify(body)).to.equal(200)
    return body
  }
  const eventsOf = async (query: string) => {
    const { status, body } = await ops.viewer.get(`/api/topics/events?${query}`)
    expect(status, JSON.stringify(body)).to.equal(200)
    return body
  }
  const flat = (hops: any[]): any[] => hops.flatMap((hop) => [hop, ...flat(hop.caused)])

  it('are told by the id of a stream, an event, a request or a trace', async () => {
    const names = [created.stream, created.id, 'request-1', TRACE, created.traceparent!]
    for (const name of names) {
      const { requests } = await storyOf(name)
      const events = requests.flatMap((one: any) => flat(one.events))
      expect(
        events.map(({ id }: any) => id),
        name,
      ).to.include(created.id)
    }
    expect((await storyOf(created.id)).meant).to.deep.equal([created.id])
  })

  it('say where each event lies and which consumers are past it', async () => {
    const { requests } = await storyOf(created.id)
    const event = flat(requests[0].events).find(({ id }) => id === created.id)
    expect(event.applied.find(({ consumer }: any) => consumer === 'notes')).to.include({ isPast: true })
    if (onKafka) expect(event.offset).to.be.a('number')
    else expect(event.offset).to.equal(null)
  })

  it('show no text of a payload', async () => {
    for (const body of [await storyOf(created.stream), await eventsOf('topic=notes')])
      expect(JSON.stringify(body)).not.to.contain(SECRET)
    const events = await eventsOf(`stream=${created.stream}`)
    expect(events.events[0].data).to.deep.include({ videoId: VIDEO, text: `•••(${SECRET.length})` })
  })

  it('do not tell a viewer whether a masked text is as they guess', async () => {
    const query = `/api/topics/events?where=${encodeURIComponent(`text=${SECRET}`)}`
    expect((await ops.viewer.get(query)).status).to.equal(403)
    expect((await ops.operator.get(query)).body.events).to.have.lengthOf(1)
    expect((await eventsOf(`where=videoId%3D${VIDEO}&types=NoteCreated`)).events).to.have.lengthOf(5)
    expect((await ops.viewer.get(`/api/topics/live?where=${encodeURIComponent(`text=${SECRET}`)}`)).status).to.equal(403)
  })

  it('of nothing are a sentence', async () => {
    const { status, body } = await ops.viewer.get('/api/story?of=nothing-at-all')
    expect(status).to.equal(422)
    expect(body.error.message).to.contain('the log has no')
    expect((await ops.viewer.get('/api/topics/events?where=nothing')).status).to.equal(422)
    expect((await ops.viewer.get('/api/topics/events?topic=nothing')).status).to.equal(422)
    expect((await ops.nobody.get('/api/story?of=request-1')).status).to.equal(401)
  })

  it('are browsed page by page in both directions, with how much was searched', async () => {
    const all = (await eventsOf('topic=notes&direction=forwards')).events.map(({ pos }: any) => pos)
    expect(all).to.have.lengthOf(5)
    for (const direction of ['forwards', 'backwards']) {
      const found: number[] = []
      for (let from: string = ''; ; ) {
        const page = await eventsOf(`topic=notes&direction=${direction}&limit=2${from}`)
        if (from === '') expect(page.of).to.equal(5)
        found.push(...page.events.map(({ pos }: any) => pos))
        if (page.why === 'end') break
        from = `&from=${page.next}`
      }
      expect(found).to.deep.equal(direction === 'forwards' ? all : all.toReversed())
    }
    const later = await eventsOf(`topic=notes&direction=forwards&at=${new Date(Date.now() + 60_000).toISOString()}`)
    expect(later.events).to.deep.equal([])
  })

  it('come in live, those that match', async () => {
    const aborter = new AbortController()
    const answer = await fetch(`${ops.url}/api/topics/live?where=userId%3D8&types=NoteCreated`, {
      headers: { Authorization: `Bearer ${VIEWER}` },
      signal: aborter.signal,
    })
    let heard = ''
    const hearing = (async () => {
      for await (const chunk of answer.body!) heard += Buffer.from(chunk).toString()
    })().catch(() => {})
    await eventually(async () => expect(heard).to.contain('event: open'))
    let n = 0
    // The first ones may come before the end of the log was read for the first time.
    await eventually(async () => {
      for (const userId of [8, 9])
        await ops.execute(createNote({ videoId: VIDEO, userId, timestamp: '0:02', text: `${SECRET} ${++n}` }), {
          actor: `user-${userId}`,
          correlationId: null,
        })
      expect(heard).to.contain('"userId":8')
    })
    expect(heard).not.to.contain('"userId":9')
    expect(heard).not.to.contain(SECRET)
    aborter.abort()
    await hearing
  })

  it('tell the schemas of all versions, and what a version changed', async () => {
    const { body } = await ops.viewer.get('/api/topics/schemas')
    const stored = body.types.find(({ type }: any) => type === 'TranscriptStored')
    expect(stored.versions.length).to.be.greaterThan(1)
    expect(stored.versions[1].changes).not.to.deep.equal([])
  })
})
