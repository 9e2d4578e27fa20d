import { expect } from 'chai'
import { catalog, deciders } from '#events/catalog.ts'
import type { Catalog } from '#events/kit/codec.ts'
import { command, emit, nothing, reject } from '#events/kit/command.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { NoteCreated, NoteDeleted, NoteEdited, notes } from '#events/note.ts'
import { notes as topic, topics } from '#events/topics.ts'
import { SummaryStored, VideoAdded, videos } from '#events/video.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { letters, skip } from '#platform/log/consumers/letters.ts'
import { askToRedrive, parkedOf } from '#platform/log/consumers/redrive.ts'
import { registerTypes } from '#platform/log/newer-code.ts'
import { Fenced, NewerCode } from '#platform/log/port.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { type ReactingOptions, reacting } from '#platform/log/reactor/reacting.ts'
import { on, reactor } from '#platform/log/reactor/reactor.ts'
import { startReactor } from '#platform/log/reactor/start.ts'
import { eventually } from '#test/kit/eventually.ts'
import { noteCreated, noteDeleted, noteEdited, notePinned, VIDEO } from '#test/kit/histories.ts'
import { olderCatalog } from '#test/kit/two-versions.ts'
import { type Workshop, workshop } from '#test/projections/workshop.ts'

const all = Array.from({ length: topic.partitions }, (_, partition) => partition)

/** Adds a line to the summary of a note's video, each time that it is told: nothing but the engine keeps it from doing so twice. */
const count = (videoId: string, line: string) =>
  command({
    name: 'count',
    reads: { video: videos.of(videoId) },
    ids: ['video'],
    decide: ({ video }, { ids }) => {
      if (line === 'refused') return reject('CONFLICT', 'not this one')
      if (line === 'impossible') throw new Error('cannot be decided')
      const added = video ? [] : [VideoAdded({ videoId, id: ids.video, title: null })]
      const reservations = line === 'unkeepable' ? [{ kind: 'line', value: '\0', owner: 'nobody' }] : []
      return emit([...added, SummaryStored({ videoId, summary: line })], {}, { reservations })
    },
  })

const counting = reactor('counting', [
  on(NoteCreated, ({ data: { videoId, text } }) => {
    if (text === 'baffling') throw new Error('cannot make sense of it')
    return [count(videoId, text ?? 'nothing')]
  }),
  on(NoteDeleted, ({ data: { videoId } }) => [count(videoId, 'deleted')]),
])

describe('a reactor', () => {
  let shop: Workshop
  beforeEach(async () => {
    shop = await workshop()
  })
  afterEach(() => shop.close())

  const open = (over: Partial<ReactingOptions> = {}) =>
    reacting(counting, topic, { db: shop.db, catalog, deciders, topics, ...over })
  const owner = async (over: Partial<ReactingOptions> = {}) => {
    const own = open(over)
    await own.resume(all)
    return own
  }
  const happened = (...texts: string[]) =>
    shop.record(...texts.map((text, i) => noteCreated({ noteId: next + i, text }))).then((recorded) => {
      next += texts.length
      return recorded
    })
  let next = 1
  const lines = async () =>
    (
      await shop.db.query<{ data: string }>('t.lines', `select data from log.events where type = 'SummaryStored' order by pos`)
    ).map(({ data }) => JSON.parse(data).summary)
  const stand = async () =>
    (
      await shop.db.query<{ pos: number }>('t.stand', `select max(pos) as pos from log.checkpoints where consumer = 'counting'`)
    )[0]!.pos
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => expect.fail('it did not fail'),
      (error) => error,
    )

  it('does what follows from events, and moves its checkpoint', async () => {
    const events = await happened('a', 'b', 'c')
    await (await owner()).handle(events)
    expect(await lines()).to.deep.equal(['a', 'b', 'c'])
    expect(await stand()).to.equal(events.at(-1)!.pos)
  })

  it('does both or nothing: when its connection breaks in the middle, there is no trace of either', async () => {
    const events = await happened('a')
    const own = await owner()
    // It has moved its checkpoint and waits for its turn to append.
    await shop.db.tx(async (tx) => {
      await tx.query('select pg_advisory_xact_lock(7001)')
      const broken = failure(own.handle(events))
      await eventually(async () => {
        const { rowCount } = await tx.query(
          `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 7001 and not granted`,
        )
        expect(rowCount).to.equal(1)
      })
      expect(await broken).to.be.instanceOf(Error)
    })
    expect([await lines(), await stand()]).to.deep.equal([[], 0])
    await (await owner()).handle(events)
    expect([await lines(), await stand()]).to.deep.equal([['a'], events.at(-1)!.pos])
  })

  it('has its events wait for the disk, for a relay may see them at once', async () => {
    await shop.db.connection((client) =>
      client.query(`
        create table public.seen (setting text);
        create function public.see() returns trigger language plpgsql as
          $$ begin insert into public.seen values (current_setting('synchronous_commit')); return null; end $$;
        create trigger see after insert on log.events execute function public.see()`),
    )
    const events = await happened('a')
    await (await owner()).handle(events)
    expect(await shop.db.query('t.seen', 'select * from public.seen')).to.deep.equal([{ setting: 'on' }, { setting: 'on' }])
  })

  it('does nothing twice that is handed over again, to itself or to the next owner', async () => {
    const events = await happened('a', 'b', 'c', 'd')
    const own = await owner()
    await own.handle(events.slice(0, 2))
    await own.handle([...events.slice(1, 3), ...events.slice(0, 3)])
    await (await owner()).handle(events)
    expect(await lines()).to.deep.equal(['a', 'b', 'c', 'd'])
  })

  it('is fenced before it does anything once another has taken over', async () => {
    const events = await happened('a', 'b', 'c')
    const former = await owner()
    await former.handle(events.slice(0, 1))
    const other = await owner()
    expect(await failure(former.handle(events.slice(1)))).to.be.instanceOf(Fenced)
    expect(await lines()).to.deep.equal(['a'])
    await other.handle(events)
    expect(await lines()).to.deep.equal(['a', 'b', 'c'])
  })

  it('lets one of two win who both believe to own, and nothing is done twice', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `${i}`)
    const events = await happened(...texts)
    const [a, b] = [await owner(), await owner()]
    const drive = async (own: typeof a, batch: Recorded[]) => {
      for (let tries = 0; tries < 500; tries++) {
        try {
          return await own.handle(batch)
        } catch (error) {
          expect(error).to.be.instanceOf(Fenced)
          await own.resume(all)
        }
      }
      expect.fail('never won')
    }
    for (let i = 0; i < 40; i += 4) await Promise.all([drive(a, events.slice(0, i + 4)), drive(b, events.slice(0, i + 4))])
    expect(await lines()).to.deep.equal(texts)
  })

  it('decides again when others write to the same streams meanwhile', async () => {
    const { execute } = executor({ appender: appender(shop.db), catalog, deciders, topics })
    const own = await owner()
    const mine = Array.from({ length: 20 }, (_, i) => `mine ${i}`)
    const events = await happened(...mine)
    const theirs = Array.from({ length: 60 }, (_, i) => `theirs ${i}`)
    await Promise.all([
      (async () => {
        for (const event of events) await own.handle([event])
      })(),
      (async () => {
        for (const line of theirs) await execute(count(VIDEO, line), { actor: null, correlationId: null })
      })(),
    ])
    const all = await lines()
    expect(all.filter((line) => line.startsWith('mine'))).to.deep.equal(mine)
    expect(all.filter((line) => line.startsWith('theirs'))).to.deep.equal(theirs)
  })

  it('says in the envelope what caused what', async () => {
    const [event] = await happened('a')
    await (await owner()).handle([{ ...event!, correlationId: 'request-1', traceparent: '00-1-2-01' }])
    const caused = await shop.db.query(
      't.caused',
      `select actor, correlation_id, causation_id, traceparent from log.events where type = 'SummaryStored'`,
    )
    expect(caused).to.deep.equal([
      { actor: 'counting', correlation_id: 'request-1', causation_id: event!.id, traceparent: '00-1-2-01' },
    ])
  })

  it('passes over events that it has no use for, also of types that nobody knows', async () => {
    const events = await shop.record(
      noteEdited(),
      { ...noteCreated(), type: 'NoteSung', data: 'no object' as never },
      noteDeleted(),
    )
    await (await owner()).handle(events)
    expect(await lines()).to.deep.equal(['deleted'])
    expect(await letters(shop.db)).to.deep.equal([])
  })

  for (const [what, text, cause] of [
    ['it cannot make sense of', 'baffling', 'cannot make sense of it'],
    ['whose command is refused', 'refused', 'count: not this one'],
    ['whose command cannot be decided', 'impossible', 'count: cannot be decided'],
    ['that only the database refuses', 'unkeepable', 'unsupported Unicode escape sequence'],
  ])
    it(`parks an event ${what}, holds up only its stream, and does all else (P8)`, async () => {
      const parked: (string | null)[] = []
      const own = await owner({ onParked: ({ cause }) => parked.push(cause) })
      const events = await happened(...'012345678', text!, 'z')
      const guilty = events.at(-2)!
      await own.handle(events)
      const behind = noteDeleted({ noteId: Number(guilty.stream.slice('note-'.length)) })
      const more = await shop.record(behind, noteDeleted({ noteId: 1 }))
      await own.handle(more)
      expect(await lines()).to.deep.equal([...'012345678', 'z', 'deleted'])
      // Also for the next owner.
      const last = await shop.record(behind)
      await (await owner()).handle(last)
      expect(parked).to.deep.equal([cause, null])
      expect((await letters(shop.db)).map(({ stream, pos, state, cause }) => [stream, pos, state, cause])).to.deep.equal([
        [guilty.stream, guilty.pos, 'failed', cause],
        [guilty.stream, more[0]!.pos, 'waiting', null],
        [guilty.stream, last[0]!.pos, 'waiting', null],
      ])
    })

  describe('of older code', () => {
    /** Its command reads the note. */
    const reading = reactor('counting', [
      on(NoteEdited, ({ data: { noteId } }) => [
        command({ name: 'read', reads: { note: notes.of(noteId) }, decide: () => nothing('it was read') }),
      ]),
    ])
    const of = async (catalog: Catalog) => {
      const own = reacting(reading, topic, { db: shop.db, catalog, deciders, topics })
      await own.resume(all)
      return own
    }

    it('parks no event whose history newer code wrote: it leaves it to newer code, with what comes before done', async () => {
      const events = await shop.record(noteCreated(), notePinned(), noteEdited({ noteId: 2 }), noteEdited())
      await registerTypes(shop.db, catalog)
      expect(await failure((await of(olderCatalog)).handle(events))).to.be.instanceOf(NewerCode)
      expect(await letters(shop.db)).to.deep.equal([])
      expect(await stand()).to.equal(events.at(-2)!.pos)
      await (await of(catalog)).handle(events)
      expect(await stand()).to.equal(events.at(-1)!.pos)
    })

    it('parks no event that has a higher schema version, if newer code knows it', async () => {
      const events = await shop.record({ ...noteEdited(), schema: 2 })
      const newer = Object.assign(NoteEdited.bind(null), NoteEdited, { schema: 2 })
      await registerTypes(shop.db, new Map([['NoteEdited', newer]]))
      expect(await failure((await of(olderCatalog)).handle(events))).to.be.instanceOf(NewerCode)
      expect(await letters(shop.db)).to.deep.equal([])
    })

    it('parks an event whose history nobody can read (P8)', async () => {
      const events = await shop.record(noteCreated(), notePinned(), noteEdited())
      await registerTypes(shop.db, olderCatalog)
      await (await of(olderCatalog)).handle(events)
      expect((await letters(shop.db)).map(({ pos, state }) => [pos, state])).to.deep.equal([[events.at(-1)!.pos, 'failed']])
    })
  })

  it('does not append what many events cause together at once, for all others wait meanwhile', async () => {
    const busy = reactor('busy', [
      on(NoteCreated, ({ data: { noteId, text } }) =>
        Array.from({ length: 1_100 }, (_, i) => count(`${noteId}-${i}`.padEnd(11, '_'), text!)),
      ),
    ])
    const own = reacting(busy, topic, { db: shop.db, catalog, deciders, topics })
    await own.resume(all)
    await own.handle(await happened('a', 'b', 'c'))
    const written = await shop.db.query(
      't.together',
      `select count(*) as events from log.events where type = 'SummaryStored' group by xmin`,
    )
    expect(written).to.deep.equal([{ events: 1_100 }, { events: 1_100 }, { events: 1_100 }])
  })

  it('follows its topic: one of several at a time, and another takes over where it stopped', async () => {
    const run = () =>
      startReactor(counting, { db: shop.db, reader: shop.reader, listener: shop.listener, catalog, deciders, topics })
    const [first, second] = [run(), run()]
    await happened('a', 'b')
    await eventually(async () => expect(await lines()).to.deep.equal(['a', 'b']))
    await first.stop()
    await happened('c')
    await eventually(async () => expect(await lines()).to.deep.equal(['a', 'b', 'c']))
    await second.stop()
    await happened('d')
    const third = run()
    await eventually(async () => expect(await lines()).to.deep.equal(['a', 'b', 'c', 'd']))
    await third.stop()
  })

  describe('with parked events', () => {
    /** What it cannot stand it can once it is mended. */
    const mended = reactor('counting', [
      on(NoteCreated, ({ data: { videoId, text } }) => [count(videoId, `mended ${text}`)]),
      on(NoteDeleted, ({ data: { videoId } }) => [count(videoId, 'deleted')]),
    ])
    const states = async () => (await letters(shop.db)).map(({ pos, state }) => [pos, state])
    /** Two events behind one that failed. */
    const parked = async () => {
      const [bad] = await happened('baffling')
      const behind = await shop.record(noteDeleted({ noteId: next - 1 }), noteDeleted({ noteId: next - 1 }))
      await (await owner()).handle([bad!, ...behind])
      return { stream: bad!.stream, positions: [bad!, ...behind].map(({ pos }) => pos) }
    }
    const options = () => ({ db: shop.db, catalog, deciders, topics })

    it('tries them again in order when it is asked to, in the same transaction as they are taken away', async () => {
      const { stream } = await parked()
      expect(await askToRedrive(shop.db, 'counting', stream)).to.equal(3)
      await reacting(mended, topic, options()).resume(all)
      expect(await lines()).to.deep.equal(['mended baffling', 'deleted', 'deleted'])
      expect(await states()).to.deep.equal([])
      const own = reacting(mended, topic, options())
      await own.resume(all)
      await own.handle(await shop.record(noteDeleted({ noteId: next - 1 })))
      expect(await lines(), 'the stream flows again').to.have.length(4)
    })

    it('keeps what fails again, and what waits behind it', async () => {
      const { stream, positions } = await parked()
      await askToRedrive(shop.db, 'counting', stream)
      await owner()
      expect(await lines()).to.deep.equal([])
      expect(await states()).to.deep.equal([
        [positions[0], 'failed'],
        [positions[1], 'waiting'],
        [positions[2], 'waiting'],
      ])
    })

    it('takes up what was parked after it was asked', async () => {
      const own = await owner()
      const [bad] = await happened('baffling')
      await own.handle([bad!])
      await askToRedrive(shop.db, 'counting', bad!.stream)
      await own.handle(await shop.record(noteDeleted({ noteId: next - 1 })))
      await reacting(mended, topic, options()).resume(all)
      expect(await lines()).to.deep.equal(['mended baffling', 'deleted'])
      expect(await states()).to.deep.equal([])
    })

    it('goes on behind one that was given up', async () => {
      const { stream, positions } = await parked()
      expect(await skip(shop.db, 'counting', stream, positions[0]!, 'garbage')).to.equal(true)
      await askToRedrive(shop.db, 'counting', stream)
      await owner()
      expect(await lines()).to.deep.equal(['deleted', 'deleted'])
      expect(await states()).to.deep.equal([[positions[0], 'skipped']])
    })

    it('does each once, however many take over at the same moment', async () => {
      const { stream } = await parked()
      await askToRedrive(shop.db, 'counting', stream)
      await Promise.all(Array.from({ length: 4 }, () => reacting(mended, topic, options()).resume(all)))
      expect((await lines()).sort()).to.deep.equal(['deleted', 'deleted', 'mended baffling'])
      expect(await states()).to.deep.equal([])
    })

    it('takes them up while it runs', async () => {
      const { stream } = await parked()
      const running = startReactor(mended, { ...options(), reader: shop.reader, listener: shop.listener })
      await happened('a')
      await eventually(async () => expect(await lines()).to.deep.equal(['mended a']))
      await askToRedrive(shop.db, 'counting', stream)
      await eventually(async () => expect(await parkedOf(shop.db, 'counting', stream)).to.deep.equal({ due: 0, parked: 0 }))
      expect(await lines()).to.deep.equal(['mended a', 'mended baffling', 'deleted', 'deleted'])
      await running.stop()
    })
  })
})
