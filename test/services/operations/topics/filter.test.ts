import { expect } from 'chai'
import fc from 'fast-check'
import type { Recorded } from '#events/kit/envelope.ts'
import { topics } from '#events/topics.ts'
import { partitionOf } from '#platform/log/partitioner.ts'
import type { Reader } from '#platform/log/port.ts'
import { fieldOf, placesOf } from '#services/operations/topics/chosen.ts'
import { commandOf } from '#services/operations/topics/command.ts'
import { matches, whereOf } from '#services/operations/topics/filter.ts'
import { search } from '#services/operations/topics/search.ts'

const TYPES: Record<string, string[]> = { 'vidwiz.notes': ['NoteCreated', 'NoteEdited'], 'vidwiz.videos': ['VideoAdded'] }

/** A log of a few topics, of few keys and values: filters find some and miss others. */
const logs = fc
  .array(
    fc.record({
      topic: fc.constantFrom('vidwiz.notes', 'vidwiz.videos'),
      key: fc.constantFrom('a', 'b', 'c'),
      nth: fc.nat(3),
      type: fc.nat(1),
      noteId: fc.nat(2),
      gap: fc.nat(3),
    }),
    { maxLength: 60 },
  )
  .map((all) => {
    let pos = 0
    return all.map(({ topic, key, nth, type, noteId, gap }) => {
      pos += 1 + gap
      const types = TYPES[topic]!
      return {
        ...{ pos, topic, key, partition: partitionOf(key, 12), stream: `${topic === 'vidwiz.notes' ? 'note' : 'video'}-${nth}` },
        ...{ version: pos, id: `${pos}`, type: types[type % types.length]!, schema: 1, time: pos },
        ...{
          actor: null,
          correlationId: null,
          causationId: null,
          traceparent: null,
          data: JSON.stringify({ noteId, videoId: key }),
        },
      } satisfies Recorded
    })
  })

const filters = fc.record({
  stream: fc.option(fc.constantFrom('note-0', 'note-1', 'video-2'), { nil: undefined }),
  key: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
  types: fc.subarray(['NoteCreated', 'NoteEdited', 'VideoAdded']),
  where: fc.subarray(['noteId=1', 'videoId=a'] as const).map((texts) => texts.map((text) => whereOf(text)!)),
})

/** Hands over short pages, as Kafka may. */
const readerOf = (log: readonly Recorded[]): Reader =>
  ({
    heads: async (topic: { name: string }) =>
      new Map(log.filter((event) => event.topic === topic.name).map(({ partition, pos }) => [partition, pos])),
    read: async ({ topic, after, upTo = Number.POSITIVE_INFINITY, limit }: Parameters<Reader['read']>[0]) =>
      log
        .filter((e) => e.topic === topic && after.has(e.partition) && e.pos > after.get(e.partition)! && e.pos <= upTo)
        .slice(0, Math.min(limit, 3)),
  }) as never

describe('a search of the log', () => {
  it('shows no event that does not match and misses none within what it says it searched, in both directions', () =>
    fc.assert(
      fc.asyncProperty(
        logs,
        filters,
        fc.constantFrom('forwards', 'backwards'),
        fc.nat(150),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 20 }),
        async (log, filter, direction, from, limit, most) => {
          const places = placesOf(filter)
          const { events, next, searched, why } = await search(readerOf(log), { places, filter, direction, from, limit, most })
          const lies = ({ pos }: Recorded) => (direction === 'forwards' ? pos > from && pos <= next : pos < from && pos >= next)
          const expected = log.filter((event) => matches(event, filter) && lies(event))
          if (direction === 'backwards') expected.reverse()
          expect(events.map(({ pos }) => pos)).to.deep.equal(expected.map(({ pos }) => pos))
          expect(searched).to.be.at.most(most)
          if (why === 'end') {
            const all = log.filter((e) => matches(e, filter) && (direction === 'forwards' ? e.pos > from : e.pos < from))
            expect(events).to.have.lengthOf(all.length)
          }
        },
      ),
    ))

  it('goes on from where it ended, and so shows each event once', () =>
    fc.assert(
      fc.asyncProperty(logs, filters, fc.constantFrom('forwards', 'backwards'), async (log, filter, direction) => {
        const found: number[] = []
        let from = direction === 'forwards' ? 0 : 1_000
        for (let i = 0; i < 200; i++) {
          const wanted = { places: placesOf(filter), filter, direction, from, limit: 2, most: 5 }
          const { events, next, why } = await search(readerOf(log), wanted)
          found.push(...events.map(({ pos }) => pos))
          from = next
          if (why === 'end') break
        }
        expect(found.toSorted((a, b) => a - b)).to.deep.equal(log.filter((e) => matches(e, filter)).map(({ pos }) => pos))
      }),
    ))

  it('ends when somebody stops it', async () => {
    const reader = { heads: async () => new Map([[0, 5]]), read: () => new Promise(() => {}) } as never
    const stop = new AbortController()
    const places = [{ topic: topics[0]!, partitions: [0] }]
    const searching = search(reader, {
      ...{ places, filter: {}, direction: 'forwards', from: 0, limit: 1, most: 10 },
      signal: stop.signal,
    })
    stop.abort()
    expect(await searching).to.include({ why: 'stopped', searched: 0, next: 0 })
  })
})

describe('a filter on a field', () => {
  const event = (data: unknown) => ({ data: JSON.stringify(data) }) as Recorded
  const where = (text: string) => ({ where: [whereOf(text)!] })
  it('is the equality of a value with a text, and never code', () => {
    expect(matches(event({ a: { b: 7 } }), where('a.b=7'))).to.equal(true)
    expect(matches(event({ a: { b: true } }), where('a.b=true'))).to.equal(true)
    expect(matches(event({ a: { b: [7] } }), where('a.b=7'))).to.equal(false)
    expect(matches(event({ a: 'x=y' }), where('a=x=y'))).to.equal(true)
    expect(matches(event({}), where('constructor.name=Object'))).to.equal(false)
    for (const text of ['a', '=a', 'a.=b', 'a[0]=1', 'f()=1', '1 or 1=1']) expect(whereOf(text), text).to.equal(undefined)
  })
  it('of a payload that is no JSON holds for nothing', () => {
    expect(matches({ data: '{' } as Recorded, where('a=1'))).to.equal(false)
  })
  it('knows which fields may be texts', () => {
    for (const path of [['userId'], ['noteId'], ['attempt'], ['backfill']]) expect(fieldOf(path)?.isText, path[0]).to.equal(false)
    for (const path of [['text'], ['email'], ['title'], ['cause']]) expect(fieldOf(path)?.isText, path[0]).to.equal(true)
  })
  it('names only what some event has', () => {
    expect(() => placesOf({ where: [whereOf('nothing=1')!] })).to.throw('no event has a field nothing')
    expect(() => placesOf({ types: ['Nothing'] })).to.throw('no type of event is called Nothing')
    expect(() => placesOf({}, 'nothing')).to.throw('no topic is called nothing')
  })
})

describe('the command line of a search', () => {
  it('quotes what a shell would take for more', () => {
    const filter = { stream: "note-1'; rm", where: [whereOf('videoId=a b')!] }
    expect(commandOf(filter, { direction: 'backwards', from: 11, limit: 5 })).to.equal(
      `npx vidwiz tail --stream 'note-1'\\''; rm' --where 'videoId=a b' --from 10 --backwards --limit 5`,
    )
  })
})
