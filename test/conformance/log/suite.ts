import { expect } from 'chai'
import type { Recorded, Replayed } from '#events/kit/envelope.ts'
import { handingOver } from '#platform/log/consumers/handover.ts'
import type { Appender, Follower, Group, Positions, Reader, Verdict } from '#platform/log/port.ts'
import { Fenced, HandedOver } from '#platform/log/port.ts'
import { eventually } from '#test/kit/eventually.ts'
import { group, topic, write } from './groups.ts'

/** One log, opened as several processes would open it. */
export interface LogUnderTest {
  /** A writer with connections of its own. */
  writer(): Appender
  /** A reader with connections of its own. */
  reader(options?: { safetyNetMs?: number }): Reader
  close(): Promise<void>
}

/** Far beyond the patience of any test. */
const NEVER_MS = 3_600_000

const everything = (): Positions => new Map(Array.from({ length: topic.partitions }, (_, partition) => [partition, 0]))

/** Reads all of the topic, page by page. */
async function readAll(reader: Reader, limit = 500): Promise<Recorded[]> {
  const all: Recorded[] = []
  const after = new Map(everything())
  while (true) {
    const page = await reader.read({ topic: topic.name, after, limit })
    if (page.length === 0) return all
    all.push(...page)
    for (const partition of after.keys()) after.set(partition, page.at(-1)!.pos)
  }
}

/** A follower that remembers what it was handed and where it stands, as a consumer's checkpoint does. */
function recorder(consumer: string, over: Partial<Follower> = {}) {
  const seen: Recorded[] = []
  const stand = new Map<number, number>()
  const follower: Follower = {
    consumer,
    topic,
    resume: async () => new Map(stand),
    handle: async (batch) => {
      seen.push(...batch)
      for (const event of batch) stand.set(event.partition, event.pos)
    },
    ...over,
  }
  return { seen, stand, follower }
}

const versionsByStream = (events: Recorded[]) => {
  const versions = new Map<string, number[]>()
  for (const { stream, version } of events) versions.set(stream, [...(versions.get(stream) ?? []), version])
  return versions
}

/** What any log must do, whichever driver carries it (P11). */
export function logConformance(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`the log on ${name}`, () => {
    let log: LogUnderTest
    beforeEach(async () => {
      log = await open()
    })
    afterEach(() => log.close())

    /** Waits until everything that was appended can be read. */
    const readable = (reader: Reader, events: number) =>
      eventually(async () => {
        const all = await readAll(reader)
        expect(all.length).to.equal(events)
        return all
      })

    it('gives back what was appended, to the letter', async () => {
      const data = '{"b":1,"a":12345678901234567890,"1":1.50,"text":"é😀\\u0000\\u2028 \\"quoted\\" \\\\ {}"}'
      const [verdict] = await log
        .writer()
        .append([group('thing-1', 0, [{ data, actor: 'user-1', correlationId: 'c', traceparent: '00-1-2-01' }])])
      const [event] = await readable(log.reader(), 1)
      expect(event).to.include({
        data,
        stream: 'thing-1',
        version: 1,
        type: 'Happened',
        schema: 1,
        key: 'thing-1',
        actor: 'user-1',
        correlationId: 'c',
      })
      expect(event).to.include({ causationId: null, traceparent: '00-1-2-01', topic: topic.name, pos: verdict!.positions![0] })
    })

    it('orders positions as the commits were, without a gap, under concurrent writers', async () => {
      const writers = Array.from({ length: 8 }, () => log.writer())
      await Promise.all(
        writers.map(async (writer, w) => {
          for (let n = 0; n < 25; n++) await write(writer, `thing-${w}-${n % 5}`, Math.floor(n / 5), 1 + (n % 3))
        }),
      )
      const total = 8 * (9 * 1 + 8 * 2 + 8 * 3)
      const all = await readable(log.reader(), total)
      expect(all.map((event) => event.pos)).to.deep.equal(Array.from({ length: total }, (_, i) => i + 1))
    })

    it('never lets a reader that follows positions miss an event, however the writers interleave', async () => {
      const { seen, follower } = recorder('late', { batchSize: 7 })
      const reader = log.reader()
      const following = reader.follow(follower)
      const writers = Array.from({ length: 6 }, () => log.writer())
      await Promise.all(
        writers.map(async (writer, w) => {
          for (let n = 0; n < 40; n++) await write(writer, `thing-${w}-${n}`, 0, 1)
        }),
      )
      await eventually(() => expect(seen.length).to.equal(240))
      await following.stop()
      expect(new Set(seen.map((event) => event.pos)).size).to.equal(240)
    })

    it('hands over the events of a stream in version order, without holes', async () => {
      const { seen, follower } = recorder('ordered', { batchSize: 10 })
      const following = log.reader().follow(follower)
      const writer = log.writer()
      for (let version = 0; version < 30; version++)
        await writer.append(['a', 'b', 'c'].map((stream) => group(`thing-${stream}`, version, [{}])))
      await eventually(() => expect(seen.length).to.equal(90))
      await following.stop()
      for (const versions of versionsByStream(seen).values())
        expect(versions).to.deep.equal(Array.from({ length: 30 }, (_, i) => i + 1))
    })

    it('lets exactly one of 50 racers win each version', async () => {
      const writers = Array.from({ length: 10 }, () => log.writer())
      for (let version = 0; version < 5; version++) {
        const racers = Array.from({ length: 50 }, (_, i) => writers[i % 10]!.append([group('thing-race', version, [{}])]))
        const verdicts = (await Promise.all(racers)).flat()
        expect(verdicts.filter((verdict) => verdict.positions)).to.have.length(1)
        for (const { lost } of verdicts)
          if (lost) expect(lost).to.deep.equal({ stale: ['thing-race'], taken: [], usedKeys: [], over: [] })
      }
      const all = await readable(log.reader(), 5)
      expect(all.map((event) => event.version)).to.deep.equal([1, 2, 3, 4, 5])
    })

    it('gives every group of a coalesced append a verdict of its own: all of it or nothing', async () => {
      const writer = log.writer()
      await write(writer, 'thing-old', 0, 1)
      const both: Group = { ...group('thing-x', 0, [{}]) }
      both.streams.push({ stream: 'thing-old', expected: 0 })
      const verdicts = await writer.append([group('thing-a', 0, [{}, {}]), both, group('thing-b', 0, [{}])])
      expect(verdicts).to.deep.equal([
        { positions: [2, 3] },
        { lost: { stale: ['thing-old'], taken: [], usedKeys: [], over: [] } },
        { positions: [4] },
      ] satisfies Verdict[])
      const all = await readable(log.reader(), 4)
      expect(all.map((event) => event.stream)).to.deep.equal(['thing-old', 'thing-a', 'thing-a', 'thing-b'])
    })

    it('keeps a reserved value unique under races, and frees it again', async () => {
      const writers = Array.from({ length: 5 }, () => log.writer())
      const reserve = (i: number, value: string) => ({
        ...group(`thing-${i}`, 0, [{}]),
        reservations: [{ kind: 'name', value, owner: `thing-${i}` }],
      })
      const verdicts = (
        await Promise.all(Array.from({ length: 25 }, (_, i) => writers[i % 5]!.append([reserve(i, 'one')])))
      ).flat()
      expect(verdicts.filter((verdict) => verdict.positions)).to.have.length(1)
      for (const { lost } of verdicts) if (lost) expect(lost.taken).to.deep.equal([{ kind: 'name', value: 'one' }])

      const winner = verdicts.findIndex((verdict) => verdict.positions)
      await writers[0]!.append([
        { ...group(`thing-${winner}`, 1, [{}]), reservations: [{ kind: 'name', value: 'one', owner: null }] },
      ])
      const [again] = await writers[0]!.append([reserve(99, 'one')])
      expect(again!.positions).to.have.length(1)
    })

    it('counts no further than a bound under races, and takes back', async () => {
      const writers = Array.from({ length: 5 }, () => log.writer())
      let streams = 0
      const count = async (add: number, most?: number) => {
        const bound = most === undefined ? undefined : { most, refused: { code: 'CONFLICT', message: 'full' } as const }
        const one: Group = { ...group(`thing-${++streams}`, 0, [{}]), counts: [{ name: 'n', add, bound, until: 4e12 }] }
        const [verdict] = await writers[streams % 5]!.append([one])
        if (verdict!.lost) expect(verdict!.lost).to.deep.equal({ stale: [], taken: [], usedKeys: [], over: ['n'] })
        return verdict!.lost === undefined
      }
      const all = async (times: number, add: number, most?: number) =>
        (await Promise.all(Array.from({ length: times }, () => count(add, most)))).filter(Boolean).length
      expect(await all(12, 1, 5)).to.equal(5)
      expect(await all(2, -1)).to.equal(2)
      expect(await all(12, 1, 5)).to.equal(2)
      expect(await all(9, -1), 'never below zero').to.equal(9)
      expect(await all(3, 3, 5)).to.equal(1)
      const kept = await readable(log.reader(), 5 + 2 + 2 + 9 + 1)
      expect(kept, 'of who was refused nothing is written').to.have.length(19)
    })

    it('leaves a count alone when its group loses for another reason', async () => {
      const writer = log.writer()
      const counted = (stream: string, expected: number): Group => ({
        ...group(stream, expected, [{}]),
        counts: [{ name: 'n', add: 1, bound: { most: 1, refused: { code: 'CONFLICT', message: 'full' } }, until: 4e12 }],
      })
      const [lost] = await writer.append([counted('thing-1', 7)])
      expect(lost!.lost).to.deep.include({ stale: ['thing-1'], over: [] })
      const [won] = await writer.append([counted('thing-1', 0)])
      expect(won!.positions).to.have.length(1)
    })

    it('remembers a used key with its result and the places of its events, and lets no second event through', async () => {
      const writers = [log.writer(), log.writer()]
      const keyed = (i: number): Group => ({
        ...group(`thing-${i}`, 0, [{}]),
        results: [{ scope: 'me', key: 'k', fingerprint: 'f', result: { n: i }, events: [{ stream: `thing-${i}`, version: 1 }] }],
      })
      const verdicts = (await Promise.all([writers[0]!.append([keyed(1)]), writers[1]!.append([keyed(2)])])).flat()
      expect(verdicts.filter((verdict) => verdict.positions)).to.have.length(1)
      const { results } = await writers[0]!.load({ streams: [], ids: {}, idempotencyKeys: [{ scope: 'me', key: 'k' }] })
      const won = verdicts.findIndex((verdict) => verdict.positions) + 1
      expect(results[0]).to.deep.include({ result: { n: won }, fingerprint: 'f' })
      expect(results[0]!.places[0]).to.include({ topic: topic.name, pos: 1 })
    })

    it('takes the word of who knows the head, and looks again when others have written since', async () => {
      const [writer, other] = [log.writer(), log.writer()]
      await writer.append([group('thing-1', 0, [{}])])
      const { head } = await writer.load({ streams: ['thing-1'], ids: {}, idempotencyKeys: [] })
      await other.append([group('thing-1', 1, [{}])])
      const [stale, fresh] = await writer.append([group('thing-1', 1, [{}]), group('thing-2', 0, [{}])], head)
      expect([stale!.lost?.stale, fresh!.positions]).to.deep.equal([['thing-1'], [head + 2]])
      const [won] = await writer.append([group('thing-1', 2, [{}])], head + 2)
      expect(won!.positions).to.deep.equal([head + 3])
    })

    it('loads the state that was kept of a stream and all that came after, and draws ids that nobody else got', async () => {
      const writer = log.writer()
      await writer.append([group('thing-1', 0, [{}, {}], { keep: '{"n":2}' })])
      await writer.append([group('thing-1', 2, [{}])])
      await writer.append([group('thing-3', 0, [{}])])
      const { head, streams } = await writer.load({ streams: ['thing-1', 'thing-2', 'thing-3'], ids: {}, idempotencyKeys: [] })
      const events = await readable(log.reader(), 4)
      expect(head).to.equal(4)
      const { topic: name, partition, pos, time } = events[1]!
      const kept = { version: 2, stateVersion: 1, state: '{"n":2}' }
      expect([...streams]).to.deep.equal([
        ['thing-1', { kept, keptAt: { topic: name, partition, pos, time }, since: [events[2]] }],
        ['thing-3', { kept: undefined, keptAt: undefined, since: [events[3]] }],
      ])
      const drawn = await Promise.all(
        [log.writer(), log.writer()].map((w) => w.load({ streams: [], ids: { note: 5, user: 2 }, idempotencyKeys: [] })),
      )
      expect(new Set(drawn.flatMap(({ ids }) => ids.note!)).size).to.equal(10)
      expect(new Set(drawn.flatMap(({ ids }) => ids.user!)).size).to.equal(4)
    })

    it('lets events gather for a follower that rests, hands it the first one at once, and stops in the middle of its rest', async () => {
      const reader = log.reader()
      const [awake, resting] = [recorder('awake'), recorder('resting', { restMs: NEVER_MS })]
      const following = [reader.follow(awake.follower), reader.follow(resting.follower)]
      await write(log.writer(), 'thing-1', 0, 1)
      await eventually(() => expect([awake.seen.length, resting.seen.length]).to.deep.equal([1, 1]))
      for (let n = 0; n < 5; n++) {
        await write(log.writer(), 'thing-1', 0, 1)
        await eventually(() => expect(awake.seen.length).to.equal(n + 2))
      }
      expect(resting.seen.length).to.equal(1)
      await Promise.all(following.map((one) => one.stop()))
    })

    it('wakes a follower by a signal: with no safety net to fall back on, every event still arrives', async () => {
      const { seen, follower } = recorder('awake')
      const following = log.reader({ safetyNetMs: NEVER_MS }).follow(follower)
      for (let n = 0; n < 20; n++) {
        await write(log.writer(), `thing-${n}`, 0, 1)
        await eventually(() => expect(seen.length).to.equal(n + 1), { everyMs: 1 })
      }
      await following.stop()
    })

    it('hands over all that many writers append while it works, by signals alone and whatever the size of its batches', async () => {
      const reader = log.reader({ safetyNetMs: NEVER_MS })
      const recorders = [1, 7, undefined].map((batchSize) =>
        recorder(`batches of ${batchSize ?? 'the usual size'}`, batchSize === undefined ? {} : { batchSize }),
      )
      const following = recorders.map(({ follower }) => reader.follow(follower))
      const append = async (writer: Appender, w: number) => {
        for (let n = 0; n < 40; n++) await write(writer, `thing-${w}-${n}`, 0, 1 + (n % 9))
      }
      await Promise.all(Array.from({ length: 4 }, (_, w) => append(log.writer(), w)))
      const all = 4 * Array.from({ length: 40 }, (_, n) => 1 + (n % 9)).reduce((a, b) => a + b)
      for (const { seen } of recorders) await eventually(() => expect(seen.length).to.equal(all))
      await Promise.all(following.map((one) => one.stop()))
    })

    it('goes on where the consumer stood, without a gap and without a repeat', async () => {
      const { seen, follower } = recorder('resumed', { batchSize: 5 })
      const writer = log.writer()
      const reader = log.reader()
      for (let round = 0; round < 4; round++) {
        const following = reader.follow(follower)
        for (let n = 0; n < 25; n++) await write(writer, `thing-${round}-${n}`, 0, 1)
        await eventually(() => expect(seen.length).to.be.greaterThan(round * 20))
        await following.stop()
      }
      const following = reader.follow(follower)
      await eventually(() => expect(seen.length).to.equal(100))
      await following.stop()
      expect(new Set(seen.map((event) => event.id)).size).to.equal(100)
    })

    it('hands the same events over again when the handler failed', async () => {
      let failures = 3
      const errors: unknown[] = []
      const { seen, stand, follower } = recorder('stubborn', { onError: (error) => errors.push(error) })
      follower.handle = async (batch) => {
        if (failures-- > 0) throw failures === 1 ? new Fenced('moved') : new Error('database away')
        seen.push(...batch)
        for (const event of batch) stand.set(event.partition, event.pos)
      }
      const following = log.reader().follow(follower)
      await write(log.writer(), 'thing-1', 0, 3)
      await eventually(() => expect(seen.map((event) => event.version)).to.deep.equal([1, 2, 3]))
      expect(errors).to.have.length(3)
      await following.stop()
    })

    it('has one owner per consumer and partition at a time; another takes over when it is gone', async () => {
      const owners: string[] = []
      const shared = recorder('owned')
      const named = (owner: string): Follower => ({
        ...shared.follower,
        handle: async (batch) => {
          owners.push(...batch.map(() => owner))
          await shared.follower.handle(batch)
        },
      })
      const [first, second] = [log.reader(), log.reader()]
      const a = first.follow(named('a'))
      await write(log.writer(), 'thing-1', 0, 1)
      await eventually(() => expect(owners).to.deep.equal(['a']))
      const b = second.follow(named('b'))
      await write(log.writer(), 'thing-2', 0, 1)
      await eventually(() => expect(owners).to.have.length(2))
      await a.stop()
      await write(log.writer(), 'thing-3', 0, 1)
      await eventually(() => expect(owners).to.have.length(3))
      await b.stop()
      // The second may wait for the first to end or share the partitions with it: each event has one owner all the same.
      expect([owners[0], owners[2]]).to.deep.equal(['a', 'b'])
    })

    it('gives a handler that hangs up, if another process can take over, and calls no other until it has come back', async () => {
      const shared = recorder('hanging')
      const back = Promise.withResolvers<void>()
      const errors: unknown[] = []
      let calls = 0
      const hanging = handingOver(
        {
          ...shared.follower,
          onError: (error) => errors.push(error),
          async handle(batch) {
            if (calls++ === 0) await back.promise
            await shared.follower.handle(batch)
          },
        },
        { hasPeer: () => true, longestMs: 500 },
      )
      const [first, second] = [log.reader(), log.reader()]
      const a = first.follow(hanging)
      await write(log.writer(), 'thing-1', 0, 1)
      await eventually(() => expect(calls).to.equal(1))
      const b = second.follow(shared.follower)
      await eventually(() => expect(shared.seen.map(({ stream }) => stream)).to.deep.equal(['thing-1']))
      expect(errors.filter((error) => error instanceof HandedOver)).to.have.length(1)
      await write(log.writer(), 'thing-2', 0, 1)
      await eventually(() => expect(shared.seen).to.have.length(2))
      await b.stop()
      expect(calls, 'one at a time').to.equal(1)
      await write(log.writer(), 'thing-3', 0, 1)
      back.resolve()
      // The late call writes what it had once more here: that its checkpoint was taken over is what fences it elsewhere.
      await eventually(() => expect(shared.seen.filter(({ stream }) => stream === 'thing-3')).to.have.length(1))
      await a.stop()
    })

    it('carries payloads of 1 MB', async () => {
      const data = JSON.stringify({ text: 'é'.repeat(524_288) })
      const { seen, follower } = recorder('large')
      const following = log.reader().follow(follower)
      for (let n = 0; n < 5; n++) await log.writer().append([group(`thing-${n}`, 0, [{ data }])])
      await eventually(() => expect(seen.length).to.equal(5))
      await following.stop()
      for (const event of seen) expect(event.data === data).to.equal(true)
    })

    it('reads a partition between two positions, no less and no more', async () => {
      const writer = log.writer()
      for (let n = 0; n < 40; n++) await write(writer, `thing-${n}`, 0, 1)
      const all = await readable(log.reader(), 40)
      const partition = all[20]!.partition
      const within = all.filter((event) => event.partition === partition && event.pos > 5 && event.pos <= 30)
      const read = await log.reader().read({ topic: topic.name, after: new Map([[partition, 5]]), upTo: 30, limit: 100 })
      expect(read.map((event) => event.pos)).to.deep.equal(within.map((event) => event.pos))
    })

    it('reads the history of several partitions at once, all of it and in order, with no more fields than are asked for', async () => {
      const writer = log.writer()
      const data = '{"text":"a\\\\b \\"c\\" é😀",\n "n":\t1}'
      const streams = Array.from({ length: 60 }, (_, n) => `thing-${n}`)
      await writer.append(streams.map((stream) => group(stream, 0, [{ data, actor: 'user-1' }])))
      for (let version = 1; version < 4; version++)
        await writer.append(streams.map((stream) => group(stream, version, [{ data }])))
      const reader = log.reader()
      const all = await readable(reader, 240)
      const heads = new Map(all.map((event) => [event.partition, event.pos]))
      const [first, last] = [all[0]!, all.at(-1)!]
      const upTo = new Map([...heads].filter(([partition]) => partition !== last.partition)).set(first.partition, 200)
      const after = new Map([[first.partition, first.pos]])
      const wanted = all.filter(({ partition, pos }) => pos > (after.get(partition) ?? 0) && pos <= (upTo.get(partition) ?? 0))

      const read: Replayed[] = []
      await reader.history({ topic: topic.name, after, upTo, uses: ['id', 'actor'] }, (events) => {
        read.push(...events)
      })
      for (const partition of heads.keys()) {
        const told = (events: readonly Replayed[]) =>
          events
            .filter((event) => event.partition === partition)
            .map(({ topic, pos, stream, version, type, schema, time, data }) => [
              topic,
              pos,
              stream,
              version,
              type,
              schema,
              time,
              data,
            ])
        expect(told(read)).to.deep.equal(told(wanted))
      }
      const rare = (events: readonly (Replayed & { id?: string; actor?: string | null })[]) =>
        new Map(events.map(({ pos, id, actor }) => [pos, { id, actor }]))
      expect(rare(read)).to.deep.equal(rare(wanted))
      expect(new Set([...rare(wanted).values()].map(({ actor }) => actor))).to.deep.equal(new Set(['user-1', null]))
    })

    it('ends the reading of a history with the error of its reader, and can read again', async () => {
      const writer = log.writer()
      const data = JSON.stringify({ text: 'x'.repeat(20_000) })
      const streams = Array.from({ length: 100 }, (_, n) => `thing-${n}`)
      await writer.append(streams.map((stream) => group(stream, 0, [{ data }])))
      const reader = log.reader()
      const upTo = new Map((await readable(reader, 100)).map((event) => [event.partition, event.pos]))
      const query = { topic: topic.name, after: new Map(), upTo, uses: [] }
      for (let time = 1; time <= 4; time++) {
        const ended = await reader
          .history(query, () => {
            throw new Error('enough')
          })
          .catch((error) => error.message)
        expect(ended).to.equal('enough')
      }
      let events = 0
      await reader.history(query, (some) => {
        events += some.length
      })
      expect(events).to.equal(100)
    })

    it('tells the head of each partition and how far behind it a consumer is', async () => {
      const writer = log.writer()
      for (let n = 0; n < 30; n++) await write(writer, `thing-${n}`, 0, 1)
      const reader = log.reader()
      const all = await readable(reader, 30)
      const last = new Map(all.map((event) => [event.partition, event.pos]))
      await eventually(async () =>
        expect(new Map([...(await reader.heads(topic))].sort())).to.deep.equal(new Map([...last].sort())),
      )

      const stand = new Map(all.slice(0, 20).map((event) => [event.partition, event.pos]))
      const left = all.slice(20)
      const behind = await reader.behind(topic, stand)
      expect(behind.reduce((sum, { events }) => sum + events, 0)).to.equal(10)
      for (const { partition, since } of behind) expect(since).to.equal(left.find((event) => event.partition === partition)!.time)
    })
  })
}
