import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { views } from '#projections/index.ts'
import { notesView } from '#projections/notes.ts'
import { operationsDone } from '#projections/operations.ts'
import { eventually } from '#test/kit/eventually.ts'
import { noteCreated, noteDeleted, noteEdited } from '#test/kit/histories.ts'
import { vidwiz } from '#test/kit/run.ts'
import { BEGINNING } from '#test/kit/world.ts'
import { type Workshop, workshop } from '../../projections/workshop.ts'

describe('the command line: replays', function () {
  this.timeout(60_000)
  let shop: Workshop
  let projector: { stop(): Promise<void> }
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-as-of-'))
  const run = (...args: string[]) => vidwiz(args, shop.env).finished
  const ran = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args)
    expect(code, stderr).to.equal(0)
    return stdout
  }
  /** What a view has beside its live table: tables, checkpoints, dead letters. */
  const left = () =>
    shop.db.query(
      't.left',
      `select tablename as name from pg_tables where schemaname = 'views' and tablename like 'notes~%'
       union all select consumer from log.checkpoints where consumer like '%~%' union all select consumer from log.dead_letters`,
    )

  before(async () => {
    shop = await workshop()
    await shop.record(noteCreated({ noteId: 1 }), noteCreated({ noteId: 2, text: 'second' }), noteCreated({ noteId: 3 }))
    await shop.record(noteEdited({ noteId: 1, text: 'later' }), noteDeleted({ noteId: 2 }), noteCreated({ noteId: 4 }))
    await setupViews(views, shop)
    projector = startProjector({ ...shop, views })
  })
  after(async () => {
    await projector?.stop()
    await shop?.close()
    rmSync(folder, { recursive: true })
  })

  it('fold a view as it was at a moment, show it, compare it with now and drop it', async () => {
    // Events are a second apart: the third is the last one up to here.
    const at = new Date(BEGINNING + 3_999).toISOString()
    const said = await ran('as-of', 'notes', '--at', at)
    const [, id] = said.match(/^notes as of position 3: 3 rows from 3 events, kept as ([0-9a-f]{8})$/m)!
    expect(said).to.include(`select * from views."notes~at-${id}"`)
    expect(await ran('as-of', 'list')).to.match(new RegExp(`^${id} +notes +3 +${at} +3 `, 'm'))

    const rows = async (...where: string[]) =>
      (await ran('as-of', 'show', id!, ...where))
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line).note_id)
    expect(await rows()).to.deep.equal([1, 2, 3])
    expect(await rows('--where', 'text=second')).to.deep.equal([2])
    expect(await rows('--limit', '1', '--offset', '1')).to.deep.equal([2])
    expect(await run('as-of', 'show', id!, '--where', '1=1 or note_id=1')).to.deep.include({ code: 1, stdout: '' })

    const compared = await ran('as-of', 'compare', id!)
    expect(compared).to.include('notes since position 3: 1 rows added, 1 changed, 1 removed')
    expect(compared).to.match(/ 1\n {4}then {2}.*"mine".*\n {4}now {3}.*"later"/)

    // Also of a version that the code no longer has.
    await shop.db.query('t.old', 'update log.past_views set version = 0')
    const old = await run('as-of', 'show', id!)
    expect([old.code, old.stderr]).to.deep.equal([
      1,
      `vidwiz: ${id} was folded by version 0 of notes, and this is version ${notesView.version}: drop it and fold it again\n`,
    ])
    expect(await ran('as-of', 'drop', id!)).to.equal(`${id}: dropped\n`)
    expect(await left()).to.deep.equal([])
    const done = await eventually(async () => {
      const found = await operationsDone(shop.db, { acts: ['as-of', 'drop-as-of'], limit: 5 })
      expect(found.filter(({ outcome }) => outcome === 'done')).to.have.length(2)
      return found
    })
    expect(done.map(({ act, via, command }) => [act, via, command])).to.deep.equal([
      ['drop-as-of', 'cli', `npx vidwiz as-of drop ${id}`],
      ['as-of', 'cli', `npx vidwiz as-of notes --at ${at}`],
    ])
  })

  it('refuse a position beyond the log, a moment to come, and neither or both', async () => {
    for (const [args, words] of [
      [['--position', '1000000'], /^vidwiz: the log ends at position \d+\n$/],
      [['--at', '2999-01-01T00:00Z'], /^vidwiz: 2999-01-01T00:00:00.000Z lies in the future\n$/],
      [['--at', '2026-01-01T00:00Z', '--position', '1'], /^vidwiz: give either --at or --position\n$/],
    ] as const) {
      const { code, stderr } = await run('as-of', 'notes', ...args)
      expect(code).to.equal(1)
      expect(stderr).to.match(words)
    }
  })

  it('try a rebuild with all rows that differ in a file, then rebuild, and tell who did it and why', async () => {
    await shop.db.query('t.tamper', `update views.notes set text = 'tampered' where note_id = 3`)
    const file = join(folder, 'differences.jsonl')
    await ran('rebuild', 'notes', '--dry-run', '--differences', file)
    const [difference] = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect([difference.id, difference.live.text, difference.replayed.text]).to.deep.equal(['3', 'tampered', 'mine'])
    expect(await ran('rebuild', 'notes', '--reason', 'rows were tampered with')).to.match(/^notes: rebuilt 3 rows from 6 events/m)
    const history = () => ran('rebuild', 'notes', '--history')
    await eventually(async () => expect(await history()).to.match(/ rebuild +notes .* done +rows were tampered with$/m), {
      everyMs: 200,
    })
    expect(await history(), 'when it was set up').to.match(/ rebuild +notes +service:projector .* done +-$/m)
    expect(await ran('verify', 'notes')).to.match(/^notes: 3 rows, all equal/m)
  })

  it('are ended by Ctrl-C or by anybody else: nothing has changed, nothing is left', async () => {
    const before = await shop.rows(notesView)
    for (const how of ['Ctrl-C', 'replays cancel'] as const)
      await shop.db.tx(async (tx) => {
        // Somebody reads the table for long: the rebuild waits with its swap.
        await tx.query('lock table views.notes in access share mode')
        const rebuild = vidwiz(['rebuild', 'notes'], shop.env)
        const id = await eventually(async () => {
          const [row] = await shop.db.query<{ id: string; phase: string }>(
            't.runs',
            `select id, phase from log.replays where view = 'notes' and ended_at is null`,
          )
          expect(row?.phase, rebuild.stderr()).to.equal('swap')
          return row!.id
        })
        if (how === 'Ctrl-C') rebuild.process.kill('SIGINT')
        else expect(await ran('replays', 'cancel', id, '--reason', 'not now')).to.equal(`${id}: asked to end\n`)
        const { code, stderr } = await rebuild.finished
        expect([code, stderr.trim().split('\n').at(-1)], how).to.deep.equal([1, 'vidwiz: cancelled: nothing has changed'])
        expect(await ran('replays', '--limit', '1')).to.match(new RegExp(`^${id} .* cancelled`, 'm'))
      })
    expect(await left()).to.deep.equal([])
    expect(await shop.rows(notesView)).to.deep.equal(before)
  })

  it('preview a reset, want a reason for it, and refuse one of a view', async () => {
    await shop.db.query(
      't.stand',
      `insert into log.checkpoints (consumer, topic, partition, pos) select distinct 'fetch-scheduler', topic, partition, 6 from log.events where topic = 'vidwiz.notes'`,
    )
    expect(await ran('reset', 'fetch-scheduler', '--to-position', '2', '--dry-run')).to.match(
      /^fetch-scheduler would continue after position 2: 4 events would be handled again\n {2}vidwiz\.notes: 2 NoteCreated, 1 Note\w+, 1 Note\w+\n {2}No event is written twice/,
    )
    expect((await run('reset', 'fetch-scheduler', '--to-position', '2')).stderr).to.match(/give a reason: --reason/)
    const when = new Date(BEGINNING + 2_500).toISOString()
    expect(await ran('reset', 'fetch-scheduler', '--to-time', when, '--reason', 'its rule was mended')).to.equal(
      'fetch-scheduler was at position 6, continues after 2: 4 events handled again, 0 events never\n',
    )
    expect((await run('reset', 'notes', '--to-position', '0', '--dry-run')).stderr).to.match(/npx vidwiz rebuild notes/)
  })
})
