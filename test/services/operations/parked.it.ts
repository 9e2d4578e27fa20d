import { expect } from 'chai'
import { catalog, deciders } from '#events/catalog.ts'
import { command, emit } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import { NoteCreated, NoteDeleted } from '#events/note.ts'
import { notes as topic, topics } from '#events/topics.ts'
import { SummaryStored, VideoAdded, videos } from '#events/video.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import { letters } from '#platform/log/consumers/letters.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { reacting } from '#platform/log/reactor/reacting.ts'
import { on, reactor } from '#platform/log/reactor/reactor.ts'
import { startReactor } from '#platform/log/reactor/start.ts'
import { applier } from '#projections/engine/apply.ts'
import { compare, isClean } from '#projections/engine/compare.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import type { View } from '#projections/engine/view.ts'
import { notesView } from '#projections/notes.ts'
import { redriveRecorded, skipRecorded } from '#services/operations/parked/acts.ts'
import { isGone } from '#services/operations/parked/consumers.ts'
import { parkedGroups } from '#services/operations/parked/groups.ts'
import { type RedriveProgress, redriveAll } from '#services/operations/parked/redriving.ts'
import { whatSkipChanges } from '#services/operations/parked/skipping.ts'
import { lettersOfStream } from '#services/operations/parked/stream.ts'
import { stuckStreams } from '#services/operations/parked/stuck.ts'
import { eventually } from '#test/kit/eventually.ts'
import { noteCreated, noteDeleted, noteEdited } from '#test/kit/histories.ts'
import { type Workshop, workshop } from '#test/projections/workshop.ts'

const all = Array.from({ length: topic.partitions }, (_, partition) => partition)

/** A view that cannot stand texts that begin so, until somebody mends it. */
const touchy = (...hated: string[]): View => ({
  ...notesView,
  evolve: (row, event) => {
    if (hated.some((text) => event.data.text?.startsWith(text))) throw new RangeError(`cannot stand "${event.data.text}"`)
    return notesView.evolve(row, event)
  },
})

const summary = (videoId: string, line: string) =>
  command({
    name: 'summary',
    reads: { video: videos.of(videoId) },
    ids: ['video'],
    decide: ({ video }, { ids }) =>
      emit(
        [...(video ? [] : [VideoAdded({ videoId, id: ids.video, title: null })]), SummaryStored({ videoId, summary: line })],
        {},
      ),
  })
/** Makes a line of each note, but for those it cannot make sense of. */
const scribe = (...baffling: string[]) =>
  reactor('scribe', [
    on(NoteCreated, ({ data: { videoId, noteId, text } }) => {
      if (baffling.includes(text!)) throw new TypeError(`no sense in ${text}`)
      return [summary(videoId, `${noteId} ${text}`)]
    }),
    on(NoteDeleted, ({ data: { videoId, noteId } }) => [summary(videoId, `${noteId} deleted`)]),
  ])

describe('parked events, for people (P8)', () => {
  let shop: Workshop
  let execute: Execute
  beforeEach(async () => {
    shop = await workshop()
    await setupViews([notesView], shop)
    execute = executor({ appender: appender(shop.db), catalog, deciders, topics }).execute
  })
  afterEach(() => shop.close())

  const ground = () => ({ db: shop.db, execute, operator: { name: 'ada', via: 'cli' as const } })
  const park = async (view: View, ...events: NewEvent[]) => {
    const own = applier(shop.db, liveOf(view))
    await own.resume(all)
    const recorded = await shop.record(...events)
    await own.handle(recorded)
    return recorded
  }
  const parkIn = async (consumer: ReturnType<typeof scribe>, ...events: NewEvent[]) => {
    const own = reacting(consumer, topic, { db: shop.db, catalog, deciders, topics })
    await own.resume(all)
    const recorded = await shop.record(...events)
    await own.handle(recorded)
    return recorded
  }
  const start = (consumer: ReturnType<typeof scribe>) =>
    startReactor(consumer, { db: shop.db, catalog, deciders, topics, reader: shop.reader, listener: shop.listener })
  const lines = async () =>
    (
      await shop.db.query<{ data: string }>('t.lines', `select data from log.events where type = 'SummaryStored' order by pos`)
    ).map(({ data }) => JSON.parse(data).summary)
  const texts = async () => Object.fromEntries((await shop.rows(notesView)).map((row) => [row.note_id, row.text]))
  const operations = async () =>
    (
      await shop.db.query<{ type: string; data: string }>(
        't.operations',
        `select type, data from log.events where topic = 'vidwiz.ops' order by pos`,
      )
    ).map(({ type, data }) => ({ type, ...JSON.parse(data) }))
  const viewsAs = (view: View) => (consumer: string) => (consumer === 'notes' ? view : undefined)
  const equalsReplay = async () => expect(isClean(await compare(notesView, shop))).to.equal(true)

  it('are grouped by kind of error, place and message; a view is mended, its group redriven and gone', async () => {
    await park(
      touchy('bad', 'worse'),
      ...[1, 2, 3].map((noteId) => noteCreated({ noteId, text: `bad ${noteId}` })),
      { ...noteCreated({ noteId: 4 }), type: 'NoteSung' },
      noteEdited({ noteId: 1, text: 'after' }),
    )
    const groups = await parkedGroups(shop.db)
    expect(
      groups.map(({ error, streams, events, consumers, topics }) => ({ error, streams, events, consumers, topics })),
    ).to.deep.equal([
      { error: 'RangeError', streams: 3, events: 4, consumers: ['notes'], topics: ['vidwiz.notes'] },
      { error: 'EventError UNKNOWN_TYPE', streams: 1, events: 1, consumers: ['notes'], topics: ['vidwiz.notes'] },
    ])
    const [group] = groups
    expect(group!.place).to.match(/^test\/services\/operations\/parked\.it\.ts:\d+$/)
    expect(groups[1]!.place).to.match(/^events\/kit\/codec\.ts:\d+$/)
    expect(group!.pattern, 'no text of a note').to.equal('cannot stand "…"')
    expect(group!.example).to.deep.include({ consumer: 'notes', stream: 'note-1', type: 'NoteCreated', version: 1 })
    expect(group!.firstAt).to.be.closeTo(Date.now(), 60_000)

    const result = await redriveRecorded(ground(), { group: group!.id }, { reason: 'mended' })
    expect(result).to.include({ streams: 3, applied: 4, parked: 0, stillParked: 0, isCancelled: false })
    expect(result.results.map(({ stream, applied }) => [stream, applied])).to.deep.equal([
      ['note-1', 2],
      ['note-2', 1],
      ['note-3', 1],
    ])
    expect(await texts()).to.deep.equal({ 1: 'after', 2: 'bad 2', 3: 'bad 3' })
    expect((await parkedGroups(shop.db)).map(({ error }) => error)).to.deep.equal(['EventError UNKNOWN_TYPE'])
    await equalsReplay()
    const [started, ended] = await operations()
    expect(started).to.include({
      type: 'OperationStarted',
      act: 'redrive',
      target: `group ${group!.id}`,
      who: 'ada',
      reason: 'mended',
      command: `npx vidwiz redrive --group ${group!.id} --reason mended`,
    })
    expect(ended).to.include({ outcome: 'done', summary: '3 streams: 4 events applied, 0 still parked in 0' })
  })

  it('stay parked where they fail again, with the new cause, when they were parked and how often they were tried', async () => {
    await park(touchy('bad'), ...[1, 2, 3].map((noteId) => noteCreated({ noteId, text: `bad ${noteId}` })))
    const before = await letters(shop.db)
    const [group] = await parkedGroups(shop.db)
    const options = { views: viewsAs(touchy('bad 2')) }
    const { results } = await redriveAll(shop.db, { group: group!.id }, options)
    const [failed, ...others] = results.filter(({ parked }) => parked > 0)
    expect(others).to.deep.equal([])
    expect(failed).to.include({ consumer: 'notes', stream: 'note-2', applied: 0, parked: 1, cause: 'cannot stand "bad 2"' })
    expect(failed!.shown, 'no text of a note').to.match(/^RangeError at test\S+\.ts:\d+: cannot stand "…"$/)
    await redriveAll(shop.db, { consumer: 'notes' }, options)
    const [left, ...none] = await letters(shop.db)
    expect(none).to.deep.equal([])
    expect(left).to.include({ stream: 'note-2', redriven: 2, at: before[1]!.at, state: 'failed', error: 'RangeError' })
    expect((await parkedGroups(shop.db))[0]).to.include({ streams: 1, redriven: 2 })
  })

  it('are tried without a change in a dry run', async () => {
    await park(touchy('bad'), ...[1, 2].map((noteId) => noteCreated({ noteId, text: `bad ${noteId}` })))
    const dry = await redriveAll(shop.db, { consumer: 'notes' }, { views: viewsAs(touchy('bad 2')), isDryRun: true })
    expect(dry).to.include({ streams: 2, applied: 1, parked: 1 })
    expect([await texts(), (await letters(shop.db)).map(({ redriven }) => redriven)]).to.deep.equal([{}, [0, 0]])
  })

  it('of a reactor are tried by its owner, in order, while it works on', async () => {
    const created = [1, 2].map((noteId) => noteCreated({ noteId, text: 'baffling' }))
    await parkIn(scribe('baffling'), ...created, noteDeleted({ noteId: 1 }), noteCreated({ noteId: 3, text: 'fine' }))
    const [group] = await parkedGroups(shop.db)
    expect(group).to.include({ error: 'TypeError', streams: 2, events: 3 })
    expect(group!.pattern, 'no text of a note').to.equal('no sense in …')
    const running = start(scribe())
    try {
      const { results, untaken } = await redriveRecorded(ground(), { group: group!.id })
      expect(untaken).to.deep.equal([])
      expect(results.map(({ stream, applied, parked }) => [stream, applied, parked])).to.deep.equal([
        ['note-1', 2, 0],
        ['note-2', 1, 0],
      ])
      expect(await lines()).to.deep.equal(['3 fine', '1 baffling', '2 baffling', '1 deleted'])
      expect(await parkedGroups(shop.db)).to.deep.equal([])
    } finally {
      await running.stop()
    }
  })

  it('of a reactor that nobody runs are left due, and that is said; it takes them up once it runs', async () => {
    await parkIn(scribe('baffling'), noteCreated({ noteId: 1, text: 'baffling' }))
    const { untaken, results } = await redriveAll(shop.db, { consumer: 'scribe' }, { patienceMs: 300 })
    expect(untaken).to.deep.equal(['scribe'])
    expect(results[0]!.cause).to.equal('scribe has not tried it yet; it will when it runs')
    expect((await parkedGroups(shop.db))[0]).to.include({ due: 1 })
    const running = start(scribe())
    try {
      await eventually(async () => expect(await lines()).to.deep.equal(['1 baffling']))
    } finally {
      await running.stop()
    }
  })

  it('of a reactor whose owner is gone are left due without much waiting', async () => {
    await parkIn(scribe('baffling'), noteCreated({ noteId: 1, text: 'baffling' }))
    await shop.db.query(
      't.gone',
      `with owner as (insert into log.owners (id, service, host, pid) values (gen_random_uuid(), 'scribe', 'here', 1) returning id)
       update log.checkpoints set owner = owner.id from owner where consumer = 'scribe'`,
    )
    expect(await isGone(shop.db, 'scribe')).to.equal(true)
    const began = performance.now()
    expect((await redriveAll(shop.db, { consumer: 'scribe' })).untaken).to.deep.equal(['scribe'])
    expect(performance.now() - began).to.be.below(10_000)
  })

  it('show what they met: the row of a view, the state of a stream, also where the event cannot be read', async () => {
    await park(touchy('bad'), noteCreated({ noteId: 1, text: 'a' }), noteEdited({ noteId: 1, text: 'bad' }))
    const ofView = await lettersOfStream(shop.db, { consumer: 'notes', stream: 'note-1' })
    expect(ofView.before).to.deep.include({ is: 'row', view: 'notes', id: 1 })
    expect((ofView.before as unknown as { row: { text: string } }).row.text).to.equal('a')
    expect(ofView.letters.map(({ error, event }) => [error, event.version])).to.deep.equal([['RangeError', 2]])

    await parkIn(scribe(), noteCreated({ noteId: 2, text: 'b' }), { ...noteDeleted({ noteId: 2 }), data: { noteId: 'broken' } })
    const { before } = await lettersOfStream(shop.db, { consumer: 'scribe', stream: 'note-2' })
    expect(before).to.deep.include({ is: 'state', version: 1 })
    expect((before as unknown as { state: { text: string } }).state.text).to.equal('b')

    await park(notesView, { ...noteDeleted({ noteId: 2 }), data: { noteId: 'broken' } })
    const unreadable = await lettersOfStream(shop.db, { consumer: 'notes', stream: 'note-2' })
    expect(unreadable.before).to.deep.include({ is: 'row', id: 2 })
  })

  describe('are skipped', () => {
    it('with what will differ told before, what waits redriven in the same step, and a replay that agrees', async () => {
      const [, bad] = await park(
        touchy('bad'),
        noteCreated({ noteId: 1, text: 'a' }),
        noteEdited({ noteId: 1, text: 'bad' }),
        noteEdited({ noteId: 1, generatedByAi: true }),
      )
      // What runs here can apply it: what differs is computed.
      const told = await whatSkipChanges(shop.db, 'notes', 'note-1', bad!.pos)
      expect(told.isComputed).to.equal(true)
      expect(told.rows[0]).to.deep.include({ id: 1, columns: ['text'] })
      expect(told.rows[0]!.without!.text).to.equal('a')
      expect(told.rows[0]!.with!.text).to.equal('bad')
      expect(told.says.join('\n'))
        .to.contain('row 1 of notes will differ in text')
        .and.to.contain('redrive it instead')
        .and.to.contain('1 event that waits behind it can then be redriven')

      const result = await skipRecorded(
        ground(),
        { consumer: 'notes', stream: 'note-1', pos: bad!.pos, isRedriven: true },
        "it's rubbish",
      )
      expect(result).to.include({ applied: 1, parked: 0 })
      expect(await texts()).to.deep.equal({ 1: 'a' })
      await equalsReplay()
      expect((await letters(shop.db))[0]).to.include({ state: 'skipped', cause: "it's rubbish", error: 'RangeError' })
      expect(await parkedGroups(shop.db)).to.deep.equal([])
      const [started, ended] = await operations()
      expect(started.command).to.equal(`npx vidwiz skip notes note-1 ${bad!.pos} --reason 'it'\\''s rubbish' --redrive`)
      expect(ended.summary).to.contain(`skipped position ${bad!.pos}; 1 stream: 1 events applied`)
    })

    it('with what is left out named, where the event cannot be read; what is freed makes a group of its own', async () => {
      const [bad] = await park(
        notesView,
        { ...noteCreated({ noteId: 7, text: 'x' }), data: { noteId: 'broken' } },
        noteEdited({ noteId: 7, text: 'after' }),
      )
      const told = await whatSkipChanges(shop.db, 'notes', 'note-7', bad!.pos)
      expect(told).to.include({ isComputed: false, waiting: 1 })
      expect(told.says.join('\n'))
        .to.contain(`notes will be without NoteCreated (note-7@1, position ${bad!.pos})`)
        .and.to.contain('not known')
      await skipRecorded(ground(), { consumer: 'notes', stream: 'note-7', pos: bad!.pos }, 'broken')
      expect((await parkedGroups(shop.db)).map(({ id, streams }) => [id, streams])).to.deep.equal([['freed', 1]])
      expect(await redriveAll(shop.db, { group: 'freed' })).to.include({ streams: 1, applied: 1, parked: 0 })
      await equalsReplay()
    })

    it('of a reactor, with what usually follows from such events', async () => {
      const consumer = scribe('baffling')
      const own = reacting(consumer, topic, { db: shop.db, catalog, deciders, topics })
      await own.resume(all)
      const recorded = await shop.record(noteCreated({ noteId: 1, text: 'a' }), noteCreated({ noteId: 2, text: 'baffling' }))
      await shop.db.query('t.correlate', `update log.events set correlation_id = 'request-1'`)
      await own.handle(recorded.map((event) => ({ ...event, correlationId: 'request-1' })))
      const [, bad] = recorded
      const { says } = await whatSkipChanges(shop.db, 'scribe', 'note-2', bad!.pos)
      expect(says[0]).to.contain(`scribe will never act on NoteCreated (note-2@1, position ${bad!.pos})`)
      expect(says[1]).to.equal('of such events it lately made SummaryStored, VideoAdded: none of that will follow')
    })

    it('never when they wait or are not there: that is refused before and recorded as a failure', async () => {
      const [, waits] = await park(touchy('bad'), noteCreated({ noteId: 1, text: 'bad' }), noteEdited({ noteId: 1, text: 'b' }))
      const said = `no failed event of note-1 at position ${waits!.pos} in notes`
      const refusal = (work: Promise<unknown>) =>
        work.then(
          () => 'none',
          (error: Error) => error.message,
        )
      expect(await refusal(whatSkipChanges(shop.db, 'notes', 'note-1', waits!.pos))).to.equal(said)
      const skipped = skipRecorded(ground(), { consumer: 'notes', stream: 'note-1', pos: waits!.pos }, 'because')
      expect(await refusal(skipped)).to.equal(said)
      expect((await operations()).at(-1)).to.include({ outcome: 'failed', summary: said })
    })
  })

  it('keep their order while the owner of the view applies what comes', async () => {
    const notes = Array.from({ length: 30 }, (_, i) => i + 1)
    await park(
      touchy('bad'),
      ...notes.map((noteId) => noteCreated({ noteId, text: `bad ${noteId}` })),
      ...notes.flatMap((noteId) => [1, 2, 3].map((n) => noteEdited({ noteId, text: `${noteId} ${n}` }))),
    )
    const errors: unknown[] = []
    const projector = startProjector({ ...shop, views: [notesView], onError: (_, error) => errors.push(error) })
    try {
      const more = (async () => {
        for (const n of [4, 5, 6, 7, 8])
          await shop.record(...notes.map((noteId) => noteEdited({ noteId, text: `${noteId} ${n}` })))
      })()
      // Other people press the same button.
      await Promise.all([1, 2, 3].map(() => redriveAll(shop.db, { consumer: 'notes' })))
      await more
      await redriveAll(shop.db, { consumer: 'notes' })
      await eventually(async () => {
        expect(await letters(shop.db)).to.deep.equal([])
        expect(await texts()).to.deep.equal(Object.fromEntries(notes.map((noteId) => [noteId, `${noteId} 8`])))
      })
    } finally {
      await projector.stop()
    }
    await equalsReplay()
  })

  describe('in great numbers', () => {
    /** As if so many streams had been parked for one cause. */
    const plant = (streams: number) =>
      shop.db.query(
        't.plant',
        `insert into log.dead_letters (consumer, topic, partition, stream, pos, event, state, cause, error, place, pattern)
         select 'notes', 'vidwiz.notes', n % $2, 'note-' || n, n,
                json_build_object('id', gen_random_uuid(), 'type', 'NoteCreated', 'schema', 1, 'topic', 'vidwiz.notes', 'partition', n % $2,
                  'key', 'v', 'stream', 'note-' || n, 'version', 1, 'pos', n, 'time', 1700000000000, 'actor', null, 'correlationId', null,
                  'causationId', null, 'traceparent', null,
                  'data', '{"noteId":' || n || ',"videoId":"dQw4w9WgXcQ","userId":1,"timestamp":"0:01","text":"' || repeat('x', 300) || '"}'),
                'failed', 'boom ' || n, 'RangeError', 'projections/notes.ts:61', 'boom #'
           from generate_series(1, $1::int) n`,
        [streams, topic.partitions],
      )

    it('are listed in bounded time: 100,000 of one cause', async function () {
      this.timeout(60_000)
      await plant(100_000)
      const began = performance.now()
      const groups = await parkedGroups(shop.db)
      expect(groups.map(({ streams, events }) => [streams, events])).to.deep.equal([[100_000, 100_000]])
      expect(performance.now() - began).to.be.below(5_000)
      const seen = new Set<string>()
      let after: Awaited<ReturnType<typeof stuckStreams>>['next'] | undefined
      for (let page = 0; page < 5; page++) {
        const from = performance.now()
        const { streams, next } = await stuckStreams(shop.db, { group: groups[0]!.id }, { limit: 200, after: after ?? undefined })
        expect(performance.now() - from, 'one page').to.be.below(500)
        for (const { stream } of streams) seen.add(stream)
        after = next
      }
      expect(seen.size).to.equal(1_000)
    })

    it('are redriven with progress, can be cut in the middle, and go on from there', async () => {
      await park(touchy('bad'), noteCreated({ noteId: 1, text: 'a' }))
      await shop.db.query('t.clear', 'delete from log.dead_letters')
      await plant(3_000)
      const aborter = new AbortController()
      const told: RedriveProgress[] = []
      const cut = await redriveRecorded(
        ground(),
        { consumer: 'notes' },
        {
          signal: aborter.signal,
          onProgress: (progress) => {
            told.push(progress)
            if (progress.done >= 1_000) aborter.abort()
          },
        },
      )
      expect(cut).to.include({ isCancelled: true, streams: 1_000, applied: 1_000 })
      expect(cut.results).to.have.length(1_000)
      expect(told.map(({ done }) => done)).to.deep.equal(told.map((_, i) => 100 * (i + 1)))
      expect(told.at(-1)).to.include({ total: 3_000, stillParked: 0 })
      expect(told.at(-1)!.etaMs).to.be.above(0)
      expect((await operations()).at(-1)).to.include({ outcome: 'cancelled' })

      expect(await redriveAll(shop.db, { consumer: 'notes' })).to.include({ streams: 2_000, applied: 2_000, parked: 0 })
      expect(await shop.rows(notesView)).to.have.length(3_000)
    })

    it('lose nothing and apply nothing twice when whoever redrives is killed', async () => {
      await park(touchy('bad'), noteCreated({ noteId: 1, text: 'a' }))
      await shop.db.query('t.clear', 'delete from log.dead_letters')
      await plant(1_000)
      // It stops while it writes one of the rows, and there its connection breaks, as when its process dies.
      await shop.db.connection((client) =>
        client.query(`
          create function public.hold() returns trigger language plpgsql as
            $$ begin perform pg_advisory_xact_lock(4711); return new; end $$;
          create trigger hold before insert on views.notes for each row when (new.note_id = 450) execute function public.hold()`),
      )
      await shop.db.tx(async (tx) => {
        await tx.query('select pg_advisory_xact_lock(4711)')
        const killed = redriveAll(shop.db, { consumer: 'notes' }).then(
          () => 'done',
          () => 'killed',
        )
        await eventually(async () => {
          const { rowCount } = await tx.query(
            `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 4711 and not granted`,
          )
          expect(rowCount).to.equal(1)
        })
        expect(await killed).to.equal('killed')
      })
      const left = (await letters(shop.db, { limit: 2_000 })).length
      const rows = (await shop.rows(notesView)).length
      expect(left + rows).to.equal(1_000)
      expect(rows % 100, 'whole transactions').to.equal(0)
      await redriveAll(shop.db, { consumer: 'notes' })
      expect(await letters(shop.db)).to.deep.equal([])
      expect(await shop.rows(notesView)).to.have.length(1_000)
    })
  })
})
