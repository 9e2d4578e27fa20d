import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createNote, editNote } from '#events/note.ts'
import { register } from '#events/user.ts'
import { newId } from '#platform/log/new-id.ts'
import { operationsDone } from '#projections/operations.ts'
import { replayInChild } from '#services/operations/replays/child.ts'
import { endReplays, runningReplays } from '#services/ops/replaying.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type Ops, startOps } from '#test/kit/ops.ts'

const SECRET = 'what somebody wrote'

describe('replays on the page', function () {
  this.timeout(60_000)
  let ops: Ops
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-ops-replay-'))
  before(async () => {
    ops = await startOps({ env: { VIDWIZ_DATA: folder } })
    const context = { actor: null, correlationId: null }
    await ops.execute(register({ email: 'ada@example.com', name: null, passwordHash: 'x' }), context)
    const videoId = 'dQw4w9WgXcQ'
    for (let n = 0; n < 3; n++)
      await ops.execute(createNote({ userId: 1, videoId, timestamp: '0:43', text: SECRET, videoTitle: null }), context)
    await ops.execute(editNote({ userId: 1, noteId: 1, text: `${SECRET} later` }), context)
    await ops.settled()
    await eventually(async () => expect(await notes()).to.equal(3))
  })
  after(async () => {
    await endReplays()
    await ops?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const notes = async () => (await ops.db.query<{ n: number }>('test.notes', 'select count(*) as n from views.notes'))[0]!.n
  const ended = (id: string) =>
    eventually(
      async () => {
        const { body } = await ops.viewer.get(`/api/replays/${id}`)
        expect(body.outcome).to.be.a('string')
        return body
      },
      { withinMs: 30_000, everyMs: 100 },
    )
  const did = async (act: string) => (await operationsDone(ops.db, { acts: [act], limit: 10 }))[0]

  it('shows what a rebuild would change, masked, before it is rebuilt, with a reason and the name typed', async () => {
    await ops.db.query('test.tamper', `update views.notes set text = 'tampered' where note_id = 2`)
    const dry = await ops.operator.post('/api/views/notes/replay', { act: 'dry-run' })
    expect(dry.status).to.equal(202)
    const done = await ended(dry.body.id)
    expect(done).to.deep.include({ act: 'dry-run', view: 'notes', outcome: 'done', who: 'otto' })
    expect(done.result).to.include({ different: 1, missing: 0, extra: 0 })
    expect(done.result.rows[0]).to.deep.include({ id: '2', fields: ['text'] })
    expect(JSON.stringify(done)).not.to.include(SECRET).and.not.to.include('tampered')

    const preview = (await ops.operator.get('/api/views/notes/rebuild')).body
    expect(preview.dryRun).to.include({ id: dry.body.id, changed: 1, added: 0, removed: 0 })
    const { token } = preview
    const wrong = await ops.operator.post('/api/views/notes/rebuild', { token, reason: 'a mended fold', name: 'videos' })
    expect(wrong.status).to.equal(422)
    const rebuilt = await ops.operator.post('/api/views/notes/rebuild', { token, reason: 'a mended fold', name: 'notes' })
    expect(rebuilt.status).to.equal(202)
    expect(await ended(rebuilt.body.id)).to.deep.include({ outcome: 'done', events: 4, total: 4 })
    const [row] = await ops.db.query<{ text: string }>('test.text', 'select text from views.notes where note_id = 2')
    expect(row!.text).to.equal(SECRET)
    await eventually(async () =>
      expect(await did('rebuild')).to.include({
        target: 'notes',
        who: 'otto',
        via: 'page',
        reason: 'a mended fold',
        outcome: 'done',
      }),
    )
    // The view is another one now than the one that was shown.
    const again = await ops.operator.post('/api/views/notes/rebuild', { token, reason: 'a mended fold', name: 'notes' })
    expect(again.status).to.equal(409)
  })

  it('hands out all rows that differ to who says why, and records that', async () => {
    const { body } = await ops.operator.post('/api/views/notes/replay', { act: 'verify' })
    expect((await ended(body.id)).result).to.include({ different: 0, missing: 0, extra: 0 })
    expect((await ops.viewer.post(`/api/replays/${body.id}/differences`, { reason: 'to see' })).status).to.equal(403)
    expect((await ops.operator.post(`/api/replays/${body.id}/differences`, { reason: 'to see' })).status).to.equal(200)
    await eventually(async () => expect(await did('reveal')).to.include({ target: 'differences of notes', reason: 'to see' }))
  })

  it('shows a view as it was, asks it by a column, compares it with now and drops it', async () => {
    const [log] = await ops.db.query<{ pos: number }>(
      'test.pos',
      `select max(pos) - 1 as pos from log.events where topic = 'vidwiz.notes'`,
    )
    const position = log!.pos
    const { status, body } = await ops.operator.post('/api/views/notes/replay', { act: 'as-of', position })
    expect(status).to.equal(202)
    const { result } = await ended(body.id)
    expect(result).to.include({ view: 'notes', pos: position, rows: 3 })
    const rows = (await ops.viewer.get(`/api/past/${result.id}/rows?column=note_id&value=1`)).body.rows
    expect(rows).to.have.length(1)
    expect(JSON.stringify(rows)).not.to.include(SECRET)
    expect((await ops.viewer.get(`/api/past/${result.id}/compare`)).body).to.include({ different: 1, missing: 0, extra: 0 })
    expect((await ops.operator.del(`/api/past/${result.id}`)).status).to.equal(200)
    expect((await ops.viewer.get('/api/past')).body.past).to.deep.equal([])
    const both = { act: 'as-of', position: 3, at: '2026-11-28T05:00:00Z' }
    expect((await ops.operator.post('/api/views/notes/replay', both)).status).to.equal(422)
    expect((await ops.operator.post('/api/views/notes/replay', { act: 'as-of', position: 9_999 })).status).to.be.within(400, 422)
  })

  it('says why a view is not reset, and what a reset of a reactor would mean', async () => {
    const view = await ops.operator.get('/api/consumers/notes/reset?position=0')
    expect([view.status, JSON.stringify(view.body)]).to.satisfy(
      ([status, text]: [number, string]) => status >= 400 && status < 500 && /not reset but rebuilt/.test(text),
    )
  })

  const rebuildNotes = async (reason: string): Promise<string> => {
    const { token } = (await ops.operator.get('/api/views/notes/rebuild')).body
    const { status, body } = await ops.operator.post('/api/views/notes/rebuild', { token, reason, name: 'notes' })
    expect(status, JSON.stringify(body)).to.equal(202)
    return body.id
  }

  it('tells who rebuilt a view, when, why and for how long, also that it was set up', async () => {
    const id = await rebuildNotes('rows were tampered with')
    await ended(id)
    await ops.settled()
    const { replays } = (await ops.viewer.get('/api/replays')).body
    const told = replays.find((one: { id: string }) => one.id === id)
    expect(told).to.include({ who: 'otto', reason: 'rows were tampered with', outcome: 'done' })
    expect(told.command).to.equal('npx vidwiz rebuild notes')
    expect(told.endedAt - told.startedAt).to.be.within(1, 30_000)
    const setups = replays.filter(({ who, view }: Record<string, string>) => who === 'service:projector' && view === 'notes')
    expect(setups.map(({ act, outcome }: Record<string, string>) => [act, outcome])).to.deep.equal([['rebuild', 'done']])
  })

  it('ends a rebuild that somebody cancels, which has changed nothing; what has ended cannot be ended', async () => {
    await ops.db.query('test.tamper', `update views.notes set text = 'tampered' where note_id = 2`)
    const id = await rebuildNotes('to be ended')
    expect((await ops.viewer.get(`/api/replays/${id}`)).body, 'it is seen before its process has begun').to.include({
      outcome: null,
    })
    expect((await ops.viewer.post(`/api/replays/${id}/cancel`)).status).to.equal(403)
    expect((await ops.operator.post(`/api/replays/${id}/cancel`)).status).to.equal(202)
    expect(await ended(id)).to.include({ outcome: 'cancelled' })
    const [row] = await ops.db.query<{ text: string }>('test.text', 'select text from views.notes where note_id = 2')
    expect(row!.text, 'the live view is as it was').to.equal('tampered')
    expect((await ops.operator.post(`/api/replays/${id}/cancel`)).status).to.equal(409)
    await eventually(async () => expect(await did('rebuild')).to.include({ outcome: 'cancelled', reason: 'to be ended' }))
    await ended(await rebuildNotes('put right again'))
  })

  it('says that nobody ends what sets a view up', async () => {
    const id = newId()
    await ops.db.query(
      'test.plant',
      `insert into log.replays (id, act, view, who) values ($1, 'rebuild', 'notes', 'service:projector')`,
      [id],
    )
    const { status, body } = await ops.operator.post(`/api/replays/${id}/cancel`)
    expect([status, body.error.message]).to.deep.equal([422, `${id} sets notes up: without it nobody can read the view`])
    await ops.db.query('test.unplant', 'delete from log.replays where id = $1', [id])
  })

  it('knows at once of a process that could not even begin', async () => {
    const id = newId()
    await ops.db.query('test.begun', `insert into log.replays (id, act, view, who) values ($1, 'verify', 'notes', 'ada')`, [id])
    const env = { ...process.env, DB_URL: 'postgres://127.0.0.1:1/none' }
    const { signal } = new AbortController()
    const error = await replayInChild(ops.db, { id, act: 'verify', view: 'notes', by: 'ada' }, { signal, env }).catch((e) => e)
    expect(String(error)).to.match(/ECONNREFUSED/)
    const { body } = await ops.viewer.get(`/api/replays/${id}`)
    expect(body).to.include({ outcome: 'cut off' })
    expect(body.error).to.match(/ECONNREFUSED/)
  })

  it('lets nobody find out a text of a view as it was by asking for rows that have it', async () => {
    const { body } = await ops.operator.post('/api/views/notes/replay', { act: 'as-of', position: 4 })
    const { id } = (await ended(body.id)).result
    const asked = (column: string, value: string) =>
      ops.operator.get(`/api/past/${id}/rows?${new URLSearchParams({ column, value })}`)
    expect((await asked('text', SECRET)).status).to.equal(403)
    expect((await asked('note_id', '1')).body.rows).to.have.length(1)
    expect((await asked('1=1 or note_id', '1')).status, 'no column').to.equal(422)
    await ops.operator.del(`/api/past/${id}`)
  })

  it('runs no more than two at a time, and keeps the rows that differ of the newest only', async () => {
    const begin = () => ops.operator.post('/api/views/notes/replay', { act: 'verify' })
    await eventually(() => expect(runningReplays()).to.equal(0))
    const begun = await Promise.all([begin(), begin(), begin()])
    expect(begun.map(({ status }) => status).sort()).to.deep.equal([202, 202, 409])
    for (const { status, body } of begun) if (status === 202) await ended(body.id)
    // A run makes room for the next one when its end is recorded, a moment after it is seen.
    for (let i = 0; i < 4; i++)
      await ended(
        (
          await eventually(async () => {
            const { status, body } = await begin()
            expect(status).to.equal(202)
            return body
          })
        ).id,
      )
    expect(readdirSync(join(folder, 'replays'))).to.have.length.of.at.most(5)
  })
})
