import { expect } from 'chai'
import fc from 'fast-check'
import { catalog, deciders } from '#events/catalog.ts'
import { decode } from '#events/kit/codec.ts'
import { command, emit, nothing, reject } from '#events/kit/command.ts'
import { decidersByKind } from '#events/kit/stream.ts'
import { createNote, deleteNote, editNote, type Note, NoteCreated, notes } from '#events/note.ts'
import { topics } from '#events/topics.ts'
import { issueToken, ProfileUpdated, register, revokeToken, updateProfile, users } from '#events/user.ts'
import { MAX_EVENT_BYTES } from '#platform/kafka/message-bytes.ts'
import { type Context, type Execute, executor, Rejected } from '#platform/log/commands/executor.ts'
import { folding } from '#platform/log/commands/folding.ts'
import { KEEP_AFTER } from '#platform/log/commands/memory.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { freshDatabase } from '#test/kit/postgres.ts'

const context: Context = { actor: 'user-1', correlationId: 'request-1' }
const videoId = 'dQw4w9WgXcQ'
const aNote = { userId: 1, videoId, timestamp: '0:43', text: 'a note' }
/** Enough for the state to be kept at once. */
const LONG = 'x'.repeat(KEEP_AFTER)

const codeOf = (outcome: PromiseSettledResult<unknown>) =>
  outcome.status === 'fulfilled' ? 'done' : outcome.reason instanceof Rejected ? outcome.reason.code : String(outcome.reason)

describe('execute', () => {
  let database: { url: string; drop(): Promise<void> }
  let dbs: Db[]
  beforeEach(async () => {
    database = await freshDatabase()
    dbs = []
  })
  afterEach(async () => {
    for (const db of dbs) await db.close()
    await database.drop()
  })

  /** An executor with connections of its own, as another process would have it. */
  const open = (over: { deciders?: typeof deciders; now?: () => number } = {}): Execute => {
    const db = openDb(database.url, { max: 4 })
    dbs.push(db)
    return executor({ appender: appender(db), catalog, deciders, topics, ...over }).execute
  }
  const events = () =>
    dbs[0]!.query<{ pos: number; stream: string; version: number; type: string; data: string }>(
      't',
      'select pos, stream, version, type, data from log.events order by pos',
    )

  const times = () =>
    dbs[0]!.query<{ stream: string; time: number }>('times', 'select stream, time from log.events order by stream, version')

  it('keeps the events of a stream in the order of their times, however much the clocks of its writers differ', async () => {
    const noon = Date.parse('2026-11-20T12:00:00Z')
    const ahead = open({ now: () => noon + 90_000 })
    const right = open({ now: () => noon })
    const { result: note } = await ahead(createNote(aNote), context)
    const edited = await right(editNote({ noteId: note.noteId, userId: 1, text: 'by another machine' }), context)
    // Its state is kept now, and read without its events.
    await ahead(editNote({ noteId: note.noteId, userId: 1, text: LONG }), context)
    await open({ now: () => noon - 90_000 })(editNote({ noteId: note.noteId, userId: 1, text: 'last' }), context)
    const { result: later } = await right(createNote(aNote), context)
    const written = await times()
    const of = (stream: string) => written.filter((event) => event.stream === stream).map(({ time }) => time - noon)
    expect(of(`note-${note.noteId}`)).to.deep.equal([90_000, 90_000, 90_000, 90_000])
    expect(of(`note-${later.noteId}`), 'not before the video it is on').to.deep.equal([90_000])
    expect([edited.result.updatedAt, later.createdAt], 'the answers say the same').to.deep.equal([noon + 90_000, noon + 90_000])
  })

  it('does not decide by a clock that is hours wrong, but keeps the order of its stream', async () => {
    const noon = Date.parse('2026-11-20T12:00:00Z')
    const { result: note } = await open({ now: () => noon + 86_400_000 })(createNote(aNote), context)
    const right = open({ now: () => noon })
    const seen: number[] = []
    const edit = editNote({ noteId: note.noteId, userId: 1, text: 'by another machine' })
    const decide: typeof edit.decide = (states, context) => {
      seen.push(context.now)
      return edit.decide(states, context)
    }
    await right({ ...edit, decide }, context)
    expect(seen).to.deep.equal([noon])
    const ofNote = (await times()).filter(({ stream }) => stream === `note-${note.noteId}`)
    expect(ofNote.map(({ time }) => time - noon)).to.deep.equal([86_400_000, 86_400_000])
  })

  it('refuses what Kafka would not take, and nothing else that was decided with it', async () => {
    const execute = open()
    const large = 'x'.repeat(MAX_EVENT_BYTES)
    const outcomes = await Promise.allSettled([
      execute(createNote(aNote), context),
      execute(createNote({ ...aNote, text: large }), context),
      execute(createNote(aNote), context),
    ])
    expect(outcomes.map(codeOf)).to.deep.equal(['done', 'VALIDATION_ERROR', 'done'])
    expect((await events()).map(({ type }) => type)).to.deep.equal(['VideoAdded', 'NoteCreated', 'NoteCreated'])
  })

  it('P4: of many edits at once each is decided on what the one before it left, across processes', async () => {
    const [a, b, c] = [open(), open(), open()]
    const { result: note } = await a(createNote({ ...aNote, text: '' }), context)
    // Each edit appends a letter to what it saw: a lost update would lose a letter.
    const append = (letter: string) =>
      command({
        name: 'append',
        reads: { note: notes.of(note.noteId) },
        decide: ({ note }) =>
          editNote({ userId: 1, noteId: note!.noteId, text: note!.text + letter }).decide({ note }, { now: 1, ids: {} }) as never,
      })
    const letters = Array.from({ length: 150 }, (_, i) => String.fromCharCode(0x4e00 + i))
    await Promise.all(letters.map((letter, i) => [a, b, c][i % 3]!(append(letter), context)))
    const { result } = await a(
      command({ name: 'read', reads: { note: notes.of(note.noteId) }, decide: ({ note }) => nothing(note as Note) }),
      context,
    )
    expect([...result.text!].sort()).to.deep.equal([...letters].sort())
    const versions = (await events()).filter((event) => event.stream === `note-${note.noteId}`).map((event) => event.version)
    expect(versions).to.deep.equal(Array.from({ length: 151 }, (_, i) => i + 1))
  })

  it('P4: of 50 racing registrations of one e-mail exactly one wins, in one process and across several', async () => {
    const processes = [open(), open(), open(), open()]
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) =>
        processes[i % 4]!(register({ email: 'a@b.co', name: 'A', passwordHash: 'h' }), context),
      ),
    )
    expect(outcomes.map(codeOf).sort()).to.deep.equal([...Array(49).fill('CONFLICT'), 'done'])
    expect(await events()).to.have.length(1)
    expect(await dbs[0]!.query('t2', 'select owner from log.credentials')).to.have.length(1)
  })

  it('P4: of racing requests for the one long-term token exactly one gets it', async () => {
    const processes = [open(), open()]
    const { result } = await processes[0]!(register({ email: 'a@b.co', name: 'A', passwordHash: 'h' }), context)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => processes[i % 2]!(issueToken(result), context)),
    )
    expect(outcomes.map(codeOf).sort()).to.deep.equal([...Array(19).fill('BAD_REQUEST'), 'done'])
  })

  it('P4: never refuses on the strength of what it remembers and another process has changed since', async () => {
    const [a, b] = [open(), open()]
    const { result } = await a(register({ email: 'a@b.co', name: 'A', passwordHash: 'h' }), context)
    for (let n = 0; n < 3; n++) {
      await a(issueToken(result), context)
      await b(revokeToken(result), context)
    }
    expect((await events()).map((event) => event.version)).to.deep.equal([1, 2, 3, 4, 5, 6, 7])
  })

  it('P4: tells everybody who wants what is taken that it is, however many want it at once', async () => {
    const execute = open()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 80 }, () => execute(register({ email: 'a@b.co', name: 'A', passwordHash: 'h' }), context)),
    )
    expect(outcomes.map(codeOf).sort()).to.deep.equal([...Array(79).fill('CONFLICT'), 'done'])
  })

  it('P4: calls a value taken only to who would still want it', async () => {
    const [a, b] = [open(), open()]
    await b(register({ email: 'held@b.co', name: 'H', passwordHash: 'h' }), context)
    const { userId } = (await a(register({ email: 'a@b.co', name: 'A', passwordHash: 'h' }), context)).result
    await b(updateProfile({ userId, name: 'Closed' }), context)
    const move = command({
      name: 'move',
      reads: { user: users.of(userId) },
      decide: ({ user }) =>
        user!.name === 'Closed'
          ? reject('FORBIDDEN', 'closed')
          : emit(
              [ProfileUpdated({ userId, name: 'Moved' })],
              {},
              { reservations: [{ kind: 'email', value: 'held@b.co', owner: `user-${userId}` }] },
            ),
    })
    expect(codeOf((await Promise.allSettled([a(move, context)]))[0]!)).to.equal('FORBIDDEN')
  })

  describe('a count with a bound', () => {
    const refused = { code: 'RATE_LIMIT_EXCEEDED', message: 'enough' } as const
    let notes = 1000
    /** A note that counts, on a stream of its own. */
    const counted = (add: number, most?: number, name = 'n') =>
      command({
        name: 'counted',
        reads: {},
        decide: () =>
          emit(
            [NoteCreated({ ...aNote, noteId: ++notes })],
            {},
            { counts: [{ name, add, until: 4e12, ...(most !== undefined && { bound: { most, refused } }) }] },
          ),
      })
    const value = async (name = 'n') =>
      (await dbs[0]!.query<{ value: number }>('t.count', 'select value from log.counters where name = $1', [name]))[0]?.value
    const outcomesOf = async (executed: Promise<unknown>[]) => (await Promise.allSettled(executed)).map(codeOf)

    it('lets exactly five of twelve at once through a bound of five, in one process and across several', async () => {
      for (const processes of [[open()], [open(), open(), open()]]) {
        const name = `of ${processes.length}`
        const outcomes = await outcomesOf(
          Array.from({ length: 12 }, (_, i) => processes[i % processes.length]!(counted(1, 5, name), context)),
        )
        expect(outcomes.sort()).to.deep.equal([...Array(7).fill('RATE_LIMIT_EXCEEDED'), ...Array(5).fill('done')])
        expect(await value(name)).to.equal(5)
      }
      expect(await events()).to.have.length(10)
    })

    it('takes what another process gave back', async () => {
      const [a, b] = [open(), open()]
      expect(await outcomesOf([a(counted(1, 1), context)])).to.deep.equal(['done'])
      expect(await outcomesOf([a(counted(1, 1), context)])).to.deep.equal(['RATE_LIMIT_EXCEEDED'])
      await b(counted(-1), context)
      expect(await outcomesOf([a(counted(1, 1), context)])).to.deep.equal(['done'])
    })

    it('is not touched by a command that fails', async () => {
      const execute = open()
      const broken = { ...context, actor: 'user-\0' }
      const outcomes = await outcomesOf([execute(counted(1, 5), broken), execute(counted(1, 5), context)])
      expect(outcomes[1]).to.equal('done')
      expect(await value()).to.equal(1)
    })

    it('holds up nobody else, however many want the same', async function () {
      this.timeout(60_000)
      const execute = open()
      const crowd = Array.from({ length: 600 }, () => execute(counted(1, 3), context))
      let ended = 0
      for (const one of crowd)
        one
          .catch(() => {})
          .finally(() => {
            ended++
          })
      await execute(createNote(aNote), context)
      expect(ended).to.be.lessThan(100)
      expect((await outcomesOf(crowd)).filter((outcome) => outcome === 'done')).to.have.length(3)
    })

    it('equals, for any mix of takings and givings back in two processes, what was let through', async function () {
      this.timeout(60_000)
      const processes = [open(), open()]
      let run = 0
      await fc.assert(
        fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), fc.integer({ min: 0, max: 6 }), async (takings, most) => {
          const name = `run ${++run}`
          let taken = 0
          let greatest = 0
          await Promise.all(
            takings.map(async (takes, i) => {
              const execute = processes[i % 2]!
              const won = await execute(counted(1, most, name), context).catch(() => undefined)
              if (!won) return
              greatest = Math.max(greatest, ++taken)
              if (takes) return
              taken--
              await execute(counted(-1, undefined, name), context)
            }),
          )
          expect((await value(name)) ?? 0).to.equal(taken)
          expect(greatest).to.be.at.most(most)
        }),
        { numRuns: 20 },
      )
    })
  })

  it('keeps the last of several secrets that are set at once', async () => {
    const execute = open()
    const { userId } = (await execute(register({ email: 'a@b.co', name: 'A', passwordHash: 'h' }), context)).result
    const set = (value: string) =>
      command({
        name: 'set',
        reads: { user: users.of(userId) },
        decide: () => emit([], {}, { credentials: [{ owner: `user-${userId}`, kind: 'password', value }] }),
      })
    await Promise.all(['one', 'two', 'three'].map((value) => execute(set(value), context)))
    expect(await dbs[0]!.query('t10', 'select value from log.credentials')).to.deep.equal([{ value: 'three' }])
  })

  it('P5: tells where the last events lie that a result stands on, whoever wrote them', async () => {
    const [a, b] = [open(), open()]
    const [first, second] = await Promise.all([a(createNote(aNote), context), a(createNote(aNote), context)])
    const added = first.positions[0]!
    expect(added.topic).to.equal('vidwiz.videos')
    expect(first.seen).to.deep.equal([])
    expect(second.seen).to.deep.equal([added])
    for (const execute of [a, b]) expect((await execute(createNote(aNote), context)).seen).to.deep.equal([added])
    const [created] = second.positions
    const unchanged = await b(editNote({ userId: 1, noteId: second.result.noteId, text: aNote.text }), context)
    expect(unchanged).to.deep.include({ positions: [], seen: [created] })
  })

  it('lets only the guilty one fail when a history cannot be read', async () => {
    const before = open()
    await before(createNote(aNote), context)
    await dbs[0]!.query('t11', `update log.events set type = 'NoteSung' where type = 'NoteCreated'`)
    const execute = open({ deciders: deciders.map((decider) => ({ ...decider, stateVersion: decider.stateVersion + 1 })) })
    const outcomes = await Promise.allSettled([
      execute(editNote({ userId: 1, noteId: 1, text: 'x' }), context),
      execute(createNote(aNote), context),
    ])
    expect(outcomes.map(codeOf)).to.deep.equal(['EventError: note-1@1: no event is called NoteSung', 'done'])
  })

  it('lets only the guilty one fail when the database refuses what a command brings', async () => {
    const execute = open()
    const outcomes = await Promise.allSettled(
      ['user-1', 'user-\0', 'user-2'].map((actor) => execute(createNote(aNote), { ...context, actor })),
    )
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    expect((await events()).filter((event) => event.type === 'NoteCreated')).to.have.length(2)
  })

  it('adds a new video once when its first notes arrive at the same moment', async () => {
    const processes = [open(), open(), open()]
    await Promise.all(
      Array.from({ length: 30 }, (_, i) => processes[i % 3]!(createNote({ ...aNote, videoTitle: `title ${i}` }), context)),
    )
    const types = (await events()).map((event) => event.type)
    expect(types.filter((type) => type === 'VideoAdded')).to.have.length(1)
    expect(types.filter((type) => type === 'VideoTitled')).to.have.length(0)
    expect(types.filter((type) => type === 'NoteCreated')).to.have.length(30)
  })

  it('coalesces commands that arrive together, with a verdict for each', async () => {
    const execute = open()
    const outcomes = await Promise.allSettled([
      execute(createNote(aNote), context),
      execute(editNote({ userId: 1, noteId: 1, text: 'sees the note of the line above' }), context),
      execute(deleteNote({ userId: 1, noteId: 999 }), context),
      execute(createNote({ ...aNote, timestamp: '1:00' }), context),
      execute(
        command({
          name: 'broken',
          reads: {},
          decide: () => {
            throw new Error('a bug of ours')
          },
        }),
        context,
      ),
    ])
    expect(outcomes.map(codeOf)).to.deep.equal(['done', 'done', 'NOT_FOUND', 'done', 'Error: a bug of ours'])
    const [row] = await dbs[0]!.query<{ n: number }>('t3', 'select count(distinct xmin::text) as n from log.events')
    expect(row!.n).to.equal(1)
  })

  it('writes all events of a command or none', async () => {
    const execute = open()
    const bad = command({
      name: 'half',
      reads: {},
      taken: { code: 'CONFLICT', message: 'taken' },
      decide: () =>
        emit(
          [NoteCreated({ ...aNote, noteId: 7 }), NoteCreated({ ...aNote, noteId: 8 })],
          {},
          { reservations: [{ kind: 'email', value: 'a@b.co', owner: 'x' }] },
        ),
    })
    await execute(register({ email: 'a@b.co', name: 'A', passwordHash: 'h' }), context)
    expect(codeOf((await Promise.allSettled([execute(bad, context)]))[0]!)).to.equal('CONFLICT')
    expect((await events()).map((event) => event.type)).to.deep.equal(['UserRegistered'])
  })

  it('answers a repeated Idempotency-Key alike and appends nothing more, at once or later, in one process or another', async () => {
    const processes = [open(), open()]
    const keyed = { ...context, idempotency: { scope: 'user-1', key: 'k1', fingerprint: 'same' } }
    const [first, ...rest] = await Promise.all(Array.from({ length: 10 }, (_, i) => processes[i % 2]!(createNote(aNote), keyed)))
    const later = await processes[1]!(createNote(aNote), keyed)
    for (const again of [...rest, later]) {
      expect(again.result).to.deep.equal(first!.result)
      expect(again.positions).to.deep.equal(first!.positions)
      expect(again.seen).to.deep.equal(first!.seen)
    }
    expect([first!, ...rest, later].filter(({ replayed }) => !replayed)).to.have.length(1)
    expect((await events()).filter((event) => event.type === 'NoteCreated')).to.have.length(1)
  })

  describe('when other code kept what an Idempotency-Key was answered', () => {
    const keyed = (key: string) => ({ ...context, idempotency: { scope: 'user-1', key, fingerprint: 'same' } })
    /** This code, had it a field more in the state of a note, which is also what it answers. */
    const colourful = deciders.map((decider) =>
      decider === notes
        ? {
            ...notes,
            stateVersion: notes.stateVersion + 1,
            evolve: (note: never, event: never) => {
              const after = notes.evolve(note, event)
              return after && { ...after, colour: 'blue' }
            },
          }
        : decider,
    ) as typeof deciders
    const edit = (text: string) => editNote({ userId: 1, noteId: 1, text })
    const kept = (change: string) => dbs[0]!.query('kept', `update log.idempotency_keys set kept = ${change}`)

    it('makes it again as it was then: with the state, the time and the ids of then, in the shape of now', async () => {
      const older = open({ now: () => 1_000 })
      await older(createNote(aNote), context)
      const first = await older(editNote({ userId: 1, noteId: 1, text: 'first' }), keyed('k'))
      await open({ now: () => 2_000 })(editNote({ userId: 1, noteId: 1, text: 'second' }), context)
      const again = await open({ deciders: colourful, now: () => 3_000 })(edit('first'), keyed('k'))
      expect(again).to.deep.equal({ ...first, result: { ...first.result, colour: 'blue' }, replayed: true })
      expect(await events()).to.have.length(4)
    })

    it('makes it again when it was kept without what it was decided on, ids included', async () => {
      const older = open()
      await older(createNote({ ...aNote, videoTitle: 'One' }), context)
      const first = await older(createNote({ ...aNote, text: 'mine' }), keyed('k'))
      const fresh = await older(createNote({ ...aNote, videoId: 'aaaaaaaaaaa' }), keyed('new'))
      await older(createNote(aNote), context)
      await kept(`json_build_object('result', json_build_object('id', 2, 'shape', 'old'), 'events', kept -> 'events')`)
      const repeated = async (note: typeof aNote, key: string) => await open()(createNote(note), keyed(key))
      expect(await repeated({ ...aNote, text: 'mine' }, 'k')).to.deep.equal({ ...first, replayed: true })
      expect(await repeated({ ...aNote, videoId: 'aaaaaaaaaaa' }, 'new')).to.deep.equal({ ...fresh, replayed: true })
    })

    it('makes again what changed nothing', async () => {
      const older = open()
      await older(createNote(aNote), context)
      const first = await older(editNote({ userId: 1, noteId: 1, text: aNote.text }), keyed('k'))
      expect(first.positions).to.deep.equal([])
      const again = await open({ deciders: colourful })(edit('other by now'), keyed('k'))
      expect(again.result).to.include({ colour: 'blue' })
      expect(again.seen).to.deep.equal(first.seen)
    })

    it('answers as it was kept when the command would be refused now, or its history is gone', async () => {
      const older = open()
      const first = await older(createNote(aNote), keyed('k'))
      const refusing = { ...createNote(aNote), decide: () => reject('BAD_REQUEST', 'not any more') }
      const answered = async (command: typeof refusing) => (await open({ deciders: colourful })(command, keyed('k'))).result
      await kept(`(kept::jsonb || '{"madeBy": "older"}')::json`)
      expect(await answered(refusing)).to.deep.equal(first.result)
      await dbs[0]!.query('prune', 'delete from log.events')
      expect(await answered(createNote(aNote) as never)).to.deep.equal(first.result)
    })

    it('does not decide again what this code kept itself', async () => {
      const first = await open()(createNote(aNote), keyed('k'))
      const never = {
        ...createNote(aNote),
        decide: () => {
          throw new Error('decided again')
        },
      }
      expect(await open()(never, keyed('k'))).to.deep.equal({ ...first, replayed: true })
    })
  })

  it('refuses an Idempotency-Key that comes back with another request', async () => {
    const execute = open()
    const keyed = (fingerprint: string) => ({ ...context, idempotency: { scope: 'user-1', key: 'k1', fingerprint } })
    await execute(createNote(aNote), keyed('one'))
    expect(codeOf((await Promise.allSettled([execute(createNote(aNote), keyed('other'))]))[0]!)).to.equal('VALIDATION_ERROR')
  })

  it('folds a kept state again when its decider has changed since', async () => {
    const execute = open()
    await execute(createNote(aNote), context)
    await execute(editNote({ userId: 1, noteId: 1, text: LONG }), context)
    const older = deciders.map((decider) => ({ ...decider, stateVersion: decider.stateVersion + 1 }))
    const outdated = await dbs[0]!.query(
      't4',
      `update log.snapshots set state = '{"owner":"of an older shape"}' returning stream`,
    )
    expect(outdated).to.deep.equal([{ stream: 'note-1' }])
    const { result } = await open({ deciders: older })(editNote({ userId: 1, noteId: 1, text: 'edited' }), context)
    expect(result).to.include({ text: 'edited', timestamp: '0:43' })
    const [kept] = await dbs[0]!.query<{ state_version: number }>(
      't5',
      `select state_version from log.snapshots where stream = 'note-1'`,
    )
    expect(kept!.state_version).to.equal(older.find(({ stream }) => stream.kind === 'note')!.stateVersion)
  })

  it('puts who, why and when into the envelope', async () => {
    await open({ now: () => 1_700_000_000_123 })(createNote(aNote), {
      ...context,
      traceparent: '00-a-b-01',
      causationId: 'cause',
    })
    const [row] = await dbs[0]!.query(
      't6',
      `select time, actor, correlation_id, causation_id, traceparent, key from log.events where type = 'NoteCreated'`,
    )
    expect(row).to.deep.equal({
      time: 1_700_000_000_123,
      actor: 'user-1',
      correlation_id: 'request-1',
      causation_id: 'cause',
      traceparent: '00-a-b-01',
      key: videoId,
    })
  })

  it('tells its caller when the database fails, and nothing was written', async () => {
    const execute = open()
    await execute(createNote(aNote), context)
    await dbs[0]!.query('t7', 'alter table log.events rename to gone')
    const [outcome] = await Promise.allSettled([execute(createNote(aNote), context)])
    expect(codeOf(outcome!)).to.match(/log.events/)
    await dbs[0]!.query('t8', 'alter table log.gone rename to events')
    await execute(createNote(aNote), context)
    expect((await events()).map((event) => event.pos)).to.deep.equal([1, 2, 3])
  })

  it('P4: knows that another process has written what it remembers, whatever it wrote itself since', async () => {
    const [a, b] = [open(), open()]
    await a(createNote(aNote), context)
    await a(editNote({ userId: 1, noteId: 1, text: 'of a' }), context)
    await b(editNote({ userId: 1, noteId: 1, generatedByAi: true }), context)
    // Once that the other wrote before, and once that only its own events came after.
    await a(createNote(aNote), context)
    await a(createNote(aNote), context)
    const { result } = await a(editNote({ userId: 1, noteId: 1, text: 'of a again' }), context)
    expect(result).to.include({ text: 'of a again', generatedByAi: true, version: 4 })
  })

  it('keeps the state of a stream that has grown, and reads no more than what came after', async () => {
    const execute = open()
    await execute(createNote(aNote), context)
    const edit = (n: number) => execute(editNote({ userId: 1, noteId: 1, text: `edit ${n}` }), context)
    for (let n = 0; n < 100; n++) await edit(n)
    const { streams } = await appender(dbs[0]!).load({ streams: ['note-1'], ids: {}, idempotencyKeys: [] })
    const { kept, since } = streams.get('note-1')!
    expect(kept!.version + since.length).to.equal(101)
    expect(since.length).to.be.lessThan(20)
    const { result } = await open()(editNote({ userId: 1, noteId: 1, generatedByAi: true }), context)
    expect(result).to.include({ text: 'edit 99', timestamp: aNote.timestamp, version: 102 })
  })

  it('keeps, for any mix of commands in flight, every stream without holes, and whatever is kept of it equal to its replay', async function () {
    this.timeout(60_000)
    const step = fc.record({
      kind: fc.constantFrom('create', 'edit', 'delete', 'refuse'),
      video: fc.constantFrom('aaaaaaaaaaa', 'bbbbbbbbbbb'),
      note: fc.integer({ min: 1, max: 8 }),
      text: fc.oneof(fc.string({ maxLength: 5 }), fc.constant(LONG)),
    })
    const processes = [open(), open()]
    let snapshots = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await Promise.allSettled(
          steps.map(({ kind, video, note, text }, i) => {
            const execute = processes[i % 2]!
            if (kind === 'create')
              return execute(createNote({ userId: 1, videoId: video, timestamp: '1:00', text, videoTitle: text }), context)
            if (kind === 'edit') return execute(editNote({ userId: 1, noteId: note, text }), context)
            if (kind === 'delete') return execute(deleteNote({ userId: 1, noteId: note }), context)
            return execute(
              command({ name: 'no', reads: { note: notes.of(note) }, decide: () => reject('FORBIDDEN', 'no') }),
              context,
            )
          }),
        )
        const history = await events()
        expect(history.map((event) => event.pos)).to.deep.equal(history.map((_, i) => i + 1))
        const log = appender(dbs[0]!)
        const deciderOf = decidersByKind(deciders)
        const fold = folding({ appender: log, catalog, deciderOf })
        const names = [...new Set(history.map(({ stream }) => stream))]
        const { head, streams } = await log.load({ streams: names, ids: {}, idempotencyKeys: [] })
        expect([head, streams.size]).to.deep.equal([history.length, names.length])
        for (const [stream, found] of streams) {
          const own = await log.stream(stream)
          expect(own.map((event) => event.version)).to.deep.equal(own.map((_, i) => i + 1))
          const { evolve } = deciderOf(stream)
          const folded = own.reduce<unknown>((state, event) => evolve(state, decode(catalog, event) as never), undefined)
          const { version, state, last } = await fold(stream, found)
          expect({ version, state: JSON.parse(state), pos: last!.pos }).to.deep.equal({
            version: own.length,
            state: JSON.parse(JSON.stringify(folded)),
            pos: own.at(-1)!.pos,
          })
          if (found.kept) snapshots++
        }
      }),
      { numRuns: 15 },
    )
    expect(snapshots).to.be.greaterThan(0)
  })
})
