import { expect } from 'chai'
import { createNote } from '#events/note.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { openBreaker, readBreaker } from '#platform/ytdlp/breaker.ts'
import { isMask, masked } from '#services/ops/mask.ts'
import { eventually } from '#test/kit/eventually.ts'
import { startLocalAws, type TestLocalAws } from '#test/kit/local-aws.ts'
import { type Ops, startOps } from '#test/kit/ops.ts'
import { vidwiz } from '#test/kit/run.ts'

const SECRET_TEXT = 'Tea with Ada at four, ada@example.com'
const reason = 'somebody asked for it'

describe('acts on the page', function () {
  this.timeout(60_000)
  let aws: TestLocalAws
  let ops: Ops
  let queues: Queues
  const QUEUE = 'vidwiz-ai-notes'
  before(async () => {
    aws = await startLocalAws()
    ops = await startOps({ env: aws.env() })
    queues = await openQueues(aws.settings())
  })
  after(async () => {
    queues?.close()
    await ops?.stop()
    await aws?.stop()
  })

  /** What is recorded of acts of a kind, the newest first. */
  async function recorded(act: string) {
    await ops.settled()
    return (await ops.viewer.get(`/api/operations?act=${act}`)).body.operations
  }
  const layDead = (count: number) =>
    queues.sendBatch(
      `${ops.settings.SQS_AI_NOTE_QUEUE_URL}-dead`,
      Array.from({ length: count }, (_, i) => ({ id: String(i), body: `{"id":${i}}` })),
    )

  it('send dead letters back after a preview, a reason and the name typed, once and recorded', async () => {
    const path = `/api/queues/${QUEUE}/redrive`
    await layDead(2)
    const early = (await ops.operator.get(path)).body
    expect(early).to.include({ count: 2, from: `${QUEUE}-dead`, command: `npx vidwiz queues redrive ${QUEUE}` })
    await layDead(1)
    expect((await ops.operator.post(path, { token: early.token, reason, name: QUEUE })).status, 'one more came').to.equal(409)
    const { token } = (await ops.operator.get(path)).body
    for (const [body, status] of [
      [{ token, reason, name: 'vidwiz' }, 422],
      [{ token, reason: ' ', name: QUEUE }, 422],
      [{ token: 'x', reason, name: QUEUE }, 409],
    ] as const)
      expect((await ops.operator.post(path, body)).status).to.equal(status)
    expect(await recorded('redrive-queue'), 'nothing was done so far').to.deep.equal([])
    const done = await ops.operator.post(path, { token, reason, name: QUEUE })
    expect([done.status, done.body.summary]).to.deep.equal([200, `sent 3 messages of ${QUEUE}-dead back to ${QUEUE}`])
    expect((await ops.operator.post(path, { token, reason, name: QUEUE })).status, 'a token is good once').to.equal(409)
    const [one, ...others] = await recorded('redrive-queue')
    expect(others).to.deep.equal([])
    expect(one).to.include({ target: QUEUE, who: 'otto', via: 'page', outcome: 'done', reason, summary: done.body.summary })
    expect(one.endedAt).to.be.at.least(one.startedAt)
  })

  it('name all queues there are when one is not known', async () => {
    const { status, body } = await ops.operator.get('/api/queues/nowhere/redrive')
    expect([status, body.error.message]).to.deep.equal([
      422,
      'no queue is called nowhere: vidwiz-ai-notes, vidwiz-summaries, vidwiz-media',
    ])
  })

  it('let helpers go on, recorded', async () => {
    await openBreaker(aws.data, 'not a bot')
    const { status, body } = await ops.operator.post('/api/helpers/resume', { reason })
    expect([status, body]).to.deep.equal([200, { summary: 'helpers ask YouTube again' }])
    expect(readBreaker(aws.data).state).to.equal('closed')
    expect((await recorded('resume-helpers'))[0]).to.include({ who: 'otto', reason, outcome: 'done' })
  })

  it('ask models again, and say of each request what came of it', async () => {
    const one = await ops.operator.post('/api/requests/redrive', { requests: ['note-999999'], reason })
    expect(one.body).to.deep.equal({
      summary: '0 of 1 asked again',
      requests: [{ request: 'note-999999', isAsked: false, text: 'note-999999: nobody ever asked for it' }],
    })
    const preview = await ops.operator.get('/api/requests/note/redrive')
    expect(preview.body).to.include({ count: 0, command: 'npx vidwiz requests redrive note' })
    const all = await ops.operator.post('/api/requests/note/redrive', { token: preview.body.token, reason, name: 'note' })
    expect(all.body).to.deep.equal({ summary: '0 of 0 asked again', requests: [] })
    expect((await recorded('redrive-requests')).map(({ target }: { target: string }) => target)).to.deep.equal([
      'note',
      'note-999999',
    ])
  })

  it('reveal a payload to an operator who says why, recorded before it is seen; what was seen is recorded nowhere', async () => {
    await ops.execute(createNote({ userId: 1, videoId: 'dQw4w9WgXcQ', timestamp: '0:43', text: SECRET_TEXT }), {
      actor: 'user-1',
      correlationId: 'c',
    })
    await ops.settled()
    const [event] = await ops.db.query<{ id: string; data: string; stream: string }>(
      'test.note',
      `select id, data, stream from log.events where type = 'NoteCreated'`,
    )
    const payload = JSON.parse(event!.data)
    expect(isMask((masked(payload) as { text: string }).text)).to.equal(true)
    const id = event!.stream.slice('note-'.length)
    await ops.db.query(
      'test.letter',
      `insert into log.dead_letters (consumer, topic, partition, stream, pos, event, state)
         select 'notes', topic, partition, stream, pos, json_build_object('data', data::text), 'failed' from log.events where id = $1::uuid`,
      [event!.id],
    )
    const [{ pos }] = (await ops.db.query<{ pos: number }>('test.pos', 'select pos from log.dead_letters')) as [{ pos: number }]
    const ways = [{ event: event!.id }, { letter: { consumer: 'notes', pos } }, { row: { view: 'notes', id } }]
    for (const what of ways) {
      expect((await ops.viewer.post('/api/reveal', { what, reason })).status).to.equal(403)
      expect((await ops.operator.post('/api/reveal', { what, reason: '' })).status).to.equal(422)
    }
    expect(await recorded('reveal')).to.deep.equal([])
    for (const what of ways) {
      const { status, body } = await ops.operator.post('/api/reveal', { what, reason })
      expect([status, body.payload.text]).to.deep.equal([200, SECRET_TEXT])
    }
    for (const what of [
      { event: crypto.randomUUID() },
      { letter: { consumer: 'notes', pos: 999 } },
      { row: { view: 'notes', id: 'x' } },
    ])
      expect((await ops.operator.post('/api/reveal', { what, reason })).status, JSON.stringify(what)).to.equal(422)
    const outcomes = (await recorded('reveal')).map(({ outcome }: { outcome: string }) => outcome)
    expect(outcomes).to.deep.equal([...Array(3).fill('failed'), ...Array(3).fill('done')])
    const log = await ops.db.query('test.ops', `select data from log.events where topic = 'vidwiz.ops'`)
    expect(JSON.stringify(log)).to.not.include('Tea with Ada')
    expect(ops.lines.join('')).to.not.include('Tea with Ada')
  })

  it('are done on the command line by the same code, recorded under the name of who sits there', async () => {
    const env = { ...aws.env(), DB_URL: ops.databaseUrl }
    await layDead(1)
    const done = await vidwiz(['queues', 'redrive', 'ai-notes', '--reason', reason], env).finished
    expect([done.code, done.stdout]).to.deep.equal([0, `sent 1 message of ${QUEUE}-dead back to ${QUEUE}\n`])
    await eventually(async () => expect((await recorded('redrive-queue'))[0]).to.include({ via: 'cli', reason, outcome: 'done' }))
    const seen = await vidwiz(['reveal', 'row', 'notes', '1', '--reason', reason], env).finished
    expect(JSON.parse(seen.stdout).text).to.equal(SECRET_TEXT)
    expect((await recorded('reveal'))[0]).to.include({ target: 'row notes 1', via: 'cli', reason })
    const alone = await vidwiz(['helpers', 'resume'], { VIDWIZ_DATA: aws.data }).finished
    expect([alone.code, alone.stdout]).to.deep.equal([0, 'the breaker was closed: helpers ask YouTube anyway\n'])
    expect(alone.stderr, 'where there is no database').to.match(/^this is not recorded in vidwiz.ops: no Postgres runs/)
  })
})
