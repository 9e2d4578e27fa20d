import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { newId } from '#platform/log/new-id.ts'
import { positionAt } from '#platform/log/postgres/moment.ts'
import { inTransaction } from '#platform/pg/pool.ts'
import { Cancelled } from '#projections/engine/progress.ts'
import { cancelReplay, replayById, replaysOf } from '#projections/engine/replays.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { notesView } from '#projections/notes.ts'
import { MOST_PAST_VIEWS, pastViews, positionOf } from '#services/operations/replays/past.ts'
import { runReplay } from '#services/operations/replays/replay.ts'
import { noteCreated, noteEdited } from '#test/kit/histories.ts'
import { BEGINNING } from '#test/kit/world.ts'
import { readingAfter } from '../../projections/replayed.ts'
import { type Workshop, workshop } from '../../projections/workshop.ts'

const NOTES = 3_000

describe('replays as operations', () => {
  let shop: Workshop
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-replays-'))
  before(async () => {
    shop = await workshop()
    await shop.record(...Array.from({ length: NOTES }, (_, i) => noteCreated({ noteId: i + 1 })))
    await setupViews([notesView], shop)
  })
  after(async () => {
    await shop.close()
    rmSync(folder, { recursive: true })
  })
  const of = { view: notesView, by: 'ada' }
  /** Names of tables of the view beside the live one. */
  const beside = async () =>
    (
      await shop.db.query<{ name: string }>(
        'beside',
        `select tablename as name from pg_tables where schemaname = 'views' and tablename like 'notes~%'`,
      )
    ).map(({ name }) => name)
  /** Reads ahead of it wait until somebody lets them go. */
  const held = () => {
    const gate = Promise.withResolvers<void>()
    return { open: gate.resolve, reader: readingAfter(shop.reader, () => gate.promise) }
  }

  it('tell everybody how far they have come, and what came of them', async () => {
    const id = newId()
    const { result, summary } = await runReplay(id, { act: 'rebuild', ...of }, shop)
    expect(result).to.include({ rows: NOTES, events: NOTES })
    expect(summary).to.match(/^rebuilt 3,000 rows from 3,000 events in \d+\.\d s$/)
    expect(await replayById(shop.db, id)).to.deep.include({
      act: 'rebuild',
      view: 'notes',
      who: 'ada',
      outcome: 'done',
      events: NOTES,
      total: NOTES,
      phase: 'done',
    })
  })

  it('end early when somebody says so, from wherever: then nothing has changed, and nothing is left', async () => {
    const before = await shop.rows(notesView)
    for (const act of ['rebuild', 'dry-run', 'as-of'] as const) {
      const id = newId()
      const { open, reader } = held()
      const replay = act === 'as-of' ? ({ act, ...of, pos: NOTES } as const) : ({ act, ...of } as const)
      const running = runReplay(id, replay, { ...shop, reader })
      while (!(await cancelReplay(shop.db, id))) await sleep(5)
      // It is told within a second, then goes no further.
      await sleep(700)
      open()
      const error = await running.then(
        () => undefined,
        (error) => error,
      )
      expect(error, act).to.be.instanceOf(Cancelled)
      expect(await replayById(shop.db, id)).to.include({ outcome: 'cancelled' })
    }
    expect(await shop.rows(notesView)).to.deep.equal(before)
    expect(await beside()).to.deep.equal([])
    expect(await cancelReplay(shop.db, newId())).to.equal(false)
  })

  it('that are cancelled while they catch up leave no table, no checkpoint', async () => {
    const ending = new AbortController()
    const running = runReplay(
      newId(),
      { act: 'rebuild', ...of },
      {
        ...shop,
        signal: ending.signal,
        onProgress: ({ phase }) => phase === 'catch up' && ending.abort(),
      },
    )
    const error = await running.then(
      () => undefined,
      (error) => error,
    )
    expect(error).to.be.instanceOf(Cancelled)
    expect(await beside()).to.deep.equal([])
    expect(await shop.db.query('left', `select 1 from log.checkpoints where consumer like '%~%'`)).to.deep.equal([])
  })

  it('write every row that differs to a file, which only its owner reads', async () => {
    await shop.db.query('tamper', `update views.notes set text = 'tampered' where note_id <= 2500`)
    const differencesTo = join(folder, 'differences.jsonl')
    const { result } = await runReplay(newId(), { act: 'dry-run', ...of, differencesTo }, shop)
    expect(result).to.include({ different: 2_500, missing: 0, extra: 0 })
    expect(result.rows).to.have.length(20)
    const lines = readFileSync(differencesTo, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).to.have.length(2_500)
    expect(lines[2_499]).to.deep.include({ id: '2500' })
    expect([lines[0].live.text, lines[0].replayed.text]).to.deep.equal(['tampered', 'mine'])
    await runReplay(newId(), { act: 'rebuild', ...of }, shop)
  })

  it('that failed keep the whole error', async () => {
    const id = newId()
    const reader = readingAfter(shop.reader, () => Promise.reject(new Error('the disk is on fire')))
    await runReplay(id, { act: 'verify', ...of }, { ...shop, reader }).catch(() => {})
    const row = await replayById(shop.db, id)
    expect(row).to.include({ outcome: 'failed' })
    expect(row!.error).to.match(/the disk is on fire[\s\S]*at /)
  })

  it('whose process died are shown as cut off', async () => {
    const id = newId()
    await shop.db.query(
      'dead',
      `insert into log.replays (id, act, view, who, beat_at) values ($1, 'rebuild', 'notes', 'ada', now() - interval '1 minute')`,
      [id],
    )
    expect((await replaysOf(shop.db, { limit: 1 }))[0]).to.include({ id, outcome: 'cut off' })
  })

  it('of the past find the last event up to a moment, and keep no more than a few', async () => {
    const at = (n: number) => BEGINNING + n * 1_000
    expect(await positionAt(shop.db, at(100))).to.equal(100)
    expect(await positionAt(shop.db, at(100) + 999)).to.equal(100)
    expect(await positionAt(shop.db, at(0))).to.equal(0)
    expect(await positionOf(shop.db, { at: Date.now() })).to.equal(NOTES)
    // A clock that is ahead: an event that is "later" than the one behind it.
    await shop.db.query('skew', 'update log.events set time = time + 5000 where pos = 200')
    expect(await positionAt(shop.db, at(201))).to.equal(201)
    await shop.db.query('skew back', 'update log.events set time = time - 5000 where pos = 200')
    for (let i = 0; i < MOST_PAST_VIEWS + 2; i++) await runReplay(newId(), { act: 'as-of', ...of, pos: 100 + i }, shop)
    const kept = await pastViews(shop.db)
    expect(kept.map(({ pos }) => pos)).to.deep.equal(
      Array.from({ length: MOST_PAST_VIEWS }, (_, i) => 100 + MOST_PAST_VIEWS + 1 - i),
    )
    expect(await beside()).to.have.length(MOST_PAST_VIEWS)
    await shop.record(noteEdited({ noteId: 1, text: 'later' }))
  }).timeout(20_000)

  it('of the past mean nothing by a moment when the database has no event left to tell it by, but a position still', async () => {
    const undone = new Error('undone')
    const answers: string[] = []
    await shop.db
      .tx(async (tx) => {
        await tx.query('update log.relay set pos = 5000')
        await tx.query('delete from log.events')
        answers.push(String(await positionOf(inTransaction(tx), { at: BEGINNING }).catch((error) => error)))
        answers.push(String(await positionOf(inTransaction(tx), { pos: 4_000 })))
        answers.push(String(await positionOf(inTransaction(tx), { pos: 5_001 }).catch((error) => error)))
        throw undone
      })
      .catch((error) => expect(error).to.equal(undone))
    expect(answers[0]).to.match(/cannot find a moment: give a position/)
    expect(answers.slice(1)).to.deep.equal(['4000', 'OperatorError: the log ends at position 5000'])
  })
})
