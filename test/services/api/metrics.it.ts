import { expect } from 'chai'
import pg from 'pg'
import { eventually } from '#test/kit/eventually.ts'
import { open, type RawConnection, written } from '#test/platform/http/raw.ts'
import { asking, newVideo, type Person, refusal, seen, system } from './routes/kit.ts'

describe('GET /v2/internal/metrics', () => {
  const api = system()
  let bob: Person
  before(async () => {
    bob = await api.someone()
  })

  const text = async () => {
    const answer = await api.worker('GET', '/v2/internal/metrics')
    expect([answer.status, answer.header('content-type')]).to.deep.equal([200, 'text/plain; version=0.0.4; charset=utf-8'])
    return answer.body
  }
  /** The sum of all figures of a name that have these labels. */
  const figure = async (name: string, labels: Record<string, string> = {}) =>
    (await text())
      .split('\n')
      .filter((line) => line.replace(/[ {].*/, '') === name)
      .filter((line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)

  it('is for who has the admin token', async () => {
    expect((await api.ask('GET', '/v2/internal/metrics')).status).to.equal(401)
    expect(seen(await bob.ask('GET', '/v2/internal/metrics'))).to.deep.equal(refusal(403, 'Invalid admin token'))
  })

  it('is what Prometheus reads: each figure with its help and type, each series once', async () => {
    const lines = (await text()).trimEnd().split('\n')
    const series = lines.filter((line) => !line.startsWith('#') && line !== '')
    for (const line of series) expect(line).to.match(/^[a-z_\d]+(\{([a-z_]+="[^"]*",?)*\})? (-?[\d.e+-]+|\+Inf|NaN)$/i)
    expect(new Set(series.map((line) => line.slice(0, line.lastIndexOf(' ')))).size).to.equal(series.length)
    for (const name of ['vidwiz_http_request_seconds', 'vidwiz_consumer_lag_events', 'process_resident_memory_bytes'])
      expect(lines.filter((line) => line.startsWith(`# TYPE ${name} `) || line.startsWith(`# HELP ${name} `))).to.have.length(2)
  })

  it('counts requests by route and status, not by what is asked for', async () => {
    const of = (status: number) =>
      figure('vidwiz_http_request_seconds_count', { method: 'GET', route: '/v2/notes/:note_id', status: String(status) })
    const before = [await of(401), await of(404)]
    for (const id of [1, 2, 3]) await api.ask('GET', `/v2/notes/${id}`)
    await bob.ask('GET', '/v2/notes/999999999')
    expect([await of(401), await of(404)]).to.deep.equal([before[0]! + 3, before[1]! + 1])
    for (const path of ['/a', '/b/c']) await asking(api.stack.url)('PROPFIND', path)
    expect(await figure('vidwiz_http_request_seconds_count', { method: 'other', route: 'none', status: '404' })).to.equal(2)
    expect(await text()).not.to.match(/PROPFIND|notes\/\d/)
  })

  it('shows how far every view is behind in every partition, in events and in seconds (P10)', async () => {
    for (const view of ['users', 'videos', 'notes', 'user-videos']) {
      expect(await figure('vidwiz_consumer_lag_events', { consumer: view }), view).to.equal(0)
      expect((await text()).match(new RegExp(`vidwiz_consumer_lag_seconds{consumer="${view}"`, 'g')), view).to.have.length(12)
    }
    const holder = new pg.Client({ connectionString: api.stack.databaseUrl })
    await holder.connect()
    try {
      await holder.query('begin')
      await holder.query('lock table views.notes in share row exclusive mode')
      for (const _ of [1, 2, 3]) {
        const answer = await bob.ask('POST', `/v2/videos/${newVideo()}/notes`, { json: { timestamp: '0:01' } })
        expect(answer.header('vidwiz-visible')).to.equal('false')
      }
      expect(await figure('vidwiz_consumer_lag_events', { consumer: 'notes' })).to.equal(3)
      expect(await figure('vidwiz_consumer_lag_seconds', { consumer: 'notes' })).to.be.within(3, 60)
      expect(await figure('vidwiz_consumer_lag_events', { consumer: 'user-videos' }), 'no other').to.equal(0)
    } finally {
      await holder.end()
    }
    await eventually(async () => expect(await figure('vidwiz_consumer_lag_events')).to.equal(0))
  }).timeout(60_000)

  it('shows who waits: streams, polls', async () => {
    const video = newVideo()
    await bob.ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '0:01' } })
    expect([await figure('vidwiz_http_streams'), await figure('vidwiz_polls_waiting')]).to.deep.equal([0, 0])
    const { port } = new URL(api.stack.url)
    const stream = await open(Number(port))
    stream.write(written('GET', `/v2/videos/${video}/stream`, { Authorization: `Bearer ${bob.token}` }))
    const admin = { Authorization: `Bearer ${api.stack.adminToken}` }
    const polls: RawConnection[] = []
    await eventually(async () => {
      // As many as there are tasks get one; the next one waits.
      const poll = await open(Number(port))
      polls.push(poll)
      poll.write(written('GET', '/v2/internal/tasks?type=metadata&timeout=30', admin))
      expect(await figure('vidwiz_polls_waiting', { kind: 'metadata' })).to.be.at.least(1)
    })
    expect(await figure('vidwiz_http_streams')).to.equal(1)
    stream.socket.destroy()
    for (const poll of polls) poll.socket.destroy()
    await eventually(async () =>
      expect([await figure('vidwiz_http_streams'), await figure('vidwiz_polls_waiting')]).to.deep.equal([0, 0]),
    )
  })
})
