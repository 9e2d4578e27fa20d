import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { type Ops, startOps } from '#test/kit/ops.ts'
import { equalsReplay, mend, poison as poisonIn, SECRET } from '#test/kit/poison.ts'

describe('the page: parked events (P8)', () => {
  let ops: Ops
  before(async () => {
    ops = await startOps()
  })
  after(() => ops?.stop())

  const poison = async (...noteIds: number[]) => {
    await poisonIn(ops.db, ...noteIds)
    await ops.settled()
  }
  const groupOf = async (consumer = 'notes') => {
    const { body } = await ops.viewer.get(`/api/parked?consumer=${consumer}`)
    return body.groups[0]
  }
  const ended = async (operation: string) =>
    eventually(async () => {
      const { body } = await ops.viewer.get(`/api/parked/runs/${operation}`)
      expect(body.endedAt).to.be.a('number')
      return body
    })

  // Each test has notes of its own, and finds nothing parked.
  afterEach(() => ops.db.query('t.clear', `update log.dead_letters set state = 'skipped'`))

  it('are grouped; streams and letters are shown with what they met, and no text of a note', async () => {
    await poison(101, 102, 103)
    const group = await groupOf()
    expect(group).to.include({ error: 'EventError BROKEN_PAYLOAD', streams: 3, events: 6 })
    expect(group.place).to.match(/^events\/kit\/codec\.ts:\d+$/)
    const { body: page } = await ops.viewer.get(`/api/parked/streams?group=${group.id}&consumer=notes&limit=2`)
    expect(page.streams.map(({ stream, events }: { stream: string; events: number }) => [stream, events])).to.deep.equal([
      ['note-101', 2],
      ['note-102', 2],
    ])
    const { consumer, stream } = page.next
    const { body: rest } = await ops.viewer.get(
      `/api/parked/streams?group=${group.id}&consumer=notes&afterConsumer=${consumer}&afterStream=${stream}`,
    )
    expect(rest.streams.map(({ stream }: { stream: string }) => stream)).to.deep.equal(['note-103'])
    const letters = await ops.viewer.get('/api/parked/letters?consumer=notes&stream=note-101')
    expect(letters.body.letters.map(({ state }: { state: string }) => state)).to.deep.equal(['failed', 'waiting'])
    expect(letters.body.before).to.deep.include({ is: 'row', id: 101 })
    expect(letters.body.letters[0].event.data.text).to.match(/^•••/)
    for (const { body } of [letters, await ops.viewer.get('/api/parked')]) expect(JSON.stringify(body)).not.to.contain(SECRET)
  })

  it('are redriven one stream at a time without more ado, and a group with a preview, a reason and its name', async () => {
    await poison(201, 202, 203)
    await mend(ops.db, 201, 203)
    const one = await ops.operator.post('/api/parked/redrive', { consumer: 'notes', stream: 'note-201' })
    expect(one.status).to.equal(202)
    expect((await ended(one.body.operation)).result).to.include({ applied: 2, parked: 0 })

    const { id } = await groupOf()
    const preview = await ops.operator.get(`/api/parked/redrive?group=${id}&consumer=notes`)
    expect(preview.body).to.include({ streams: 2, events: 4, target: `group ${id} notes` })
    expect(preview.body.tried, 'tried without a change').to.include({ applied: 2, parked: 2 })
    const { token, target } = preview.body
    const body = { group: id, consumer: 'notes', token, name: target, reason: 'the payload was mended' }
    expect((await ops.operator.post('/api/parked/redrive', { ...body, name: 'something else' })).status).to.equal(422)
    expect((await ops.operator.post('/api/parked/redrive', { ...body, reason: undefined })).status).to.equal(422)
    expect((await ops.viewer.post('/api/parked/redrive', body)).status).to.equal(403)
    const { status, body: run } = await ops.operator.post('/api/parked/redrive', body)
    expect(status).to.equal(202)
    const { result, progress } = await ended(run.operation)
    expect(result).to.include({ streams: 2, applied: 2, parked: 2, stillParked: 1 })
    expect(progress).to.include({ done: 2, total: 2 })
    const failed = result.results.find(({ parked }: { parked: number }) => parked > 0)
    expect(failed).to.include({ stream: 'note-202', parked: 2 })
    expect(failed.cause).to.contain('EventError BROKEN_PAYLOAD at events/kit/codec.ts')
    expect(JSON.stringify(result)).not.to.contain(SECRET)
    expect((await groupOf()).streams).to.equal(1)
    await mend(ops.db, 202)
  })

  it('are not touched when the count has changed since the preview', async () => {
    await poison(301)
    const { body } = await ops.operator.get('/api/parked/redrive?consumer=notes')
    await poison(302)
    const late = await ops.operator.post('/api/parked/redrive', {
      consumer: 'notes',
      token: body.token,
      name: 'notes',
      reason: 'mended',
    })
    expect([late.status, late.body.error.code]).to.deep.equal([409, 'PREVIEW_OUTDATED'])
    expect((await groupOf()).streams).to.equal(2)
  })

  it('are skipped with what will differ shown before, what waits redriven, and a replay that agrees', async () => {
    await poison(401)
    const { body: letters } = await ops.viewer.get('/api/parked/letters?consumer=notes&stream=note-401')
    const { pos } = letters.letters[0]
    const { body: preview } = await ops.operator.get(`/api/parked/skip?consumer=notes&stream=note-401&pos=${pos}`)
    expect(preview.says.join('\n')).to.contain('row 401 of notes will lack what NoteEdited does to it')
    expect(JSON.stringify(preview)).not.to.contain(SECRET)
    const body = {
      consumer: 'notes',
      stream: 'note-401',
      pos,
      redrive: true,
      token: preview.token,
      name: 'notes note-401',
      reason: 'broken',
    }
    expect((await ops.viewer.post('/api/parked/skip', body)).status).to.equal(403)
    const { status, body: done } = await ops.operator.post('/api/parked/skip', body)
    expect([status, done.redriven.applied, done.redriven.parked]).to.deep.equal([200, 1, 0])
    expect((await ops.operator.post('/api/parked/skip', body)).status, 'it is skipped already').to.equal(422)
    expect(await equalsReplay(ops)).to.equal(true)
    const { body: after } = await ops.viewer.get('/api/parked?consumer=notes')
    expect(after.groups).to.deep.equal([])
    await ops.settled()
    const { body: operations } = await ops.viewer.get('/api/operations?act=skip')
    expect(operations.operations[0]).to.include({
      target: 'notes note-401',
      who: 'otto',
      via: 'page',
      outcome: 'done',
      reason: 'broken',
    })
  })

  it('are tried no further when the redrive is ended: what is being tried is finished, and that it was ended is recorded', async () => {
    await ops.db.query(
      't.plant',
      `insert into log.dead_letters (consumer, topic, partition, stream, pos, event, state, cause, error, pattern)
       select 'notes', 'vidwiz.notes', 0, 'note-' || n, n, json_build_object('id', gen_random_uuid(), 'type', 'NoteSung', 'schema', 1, 'topic',
                'vidwiz.notes', 'partition', 0, 'key', 'v', 'stream', 'note-' || n, 'version', 1, 'pos', n, 'time', 0, 'data', '{}'),
              'failed', 'boom', 'Error', 'boom' from generate_series(100001, 100300) n`,
    )
    const { body: preview } = await ops.operator.get('/api/parked/redrive?consumer=notes')
    expect(preview.tried, 'too many to be tried beforehand').to.equal(null)
    const run = await ops.db.tx(async (tx) => {
      // Nothing can be redriven meanwhile.
      await tx.query(`select from log.checkpoints where consumer = 'notes' for update`)
      const body = { consumer: 'notes', token: preview.token, name: 'notes', reason: 'to see' }
      const { body: run } = await ops.operator.post('/api/parked/redrive', body)
      expect((await ops.viewer.del(`/api/parked/runs/${run.operation}`)).status).to.equal(403)
      expect((await ops.operator.del(`/api/parked/runs/${run.operation}`)).status).to.equal(202)
      return run
    })
    const { result } = await ended(run.operation)
    expect(result).to.include({ isCancelled: true, streams: 100, parked: 100 })
    await ops.settled()
    const { body: operations } = await ops.viewer.get('/api/operations?act=redrive')
    expect(operations.operations[0]).to.include({ target: 'notes', outcome: 'cancelled', reason: 'to see' })
  })

  it('of a redrive that nobody knows of: not found', async () => {
    const gone = '/api/parked/runs/01890a5d-ac96-774b-bcce-b302099a8057'
    expect((await ops.viewer.get(gone)).status).to.equal(404)
    expect((await ops.operator.del(gone)).status).to.equal(404)
  })
})
