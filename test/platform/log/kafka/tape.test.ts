import { expect } from 'chai'
import type { Fetched } from '#platform/log/kafka/fetch.ts'
import { toMessage } from '#platform/log/kafka/message.ts'
import { fill, type Tape } from '#platform/log/kafka/tape.ts'
import { plainWire } from '#platform/log/kafka/wire.ts'
import { group, topic } from '#test/conformance/log/groups.ts'

describe('a tape of a partition', () => {
  const event = (pos: number) => ({ ...group('thing-1', pos - 1, [{}]).events[0]!, partition: 0, pos })
  /** What a fetch from the first of these offsets brings; positions are offsets + 1. */
  const fetched = (offsets: number[], over: Partial<Fetched> = {}): Fetched => ({
    messages: offsets.map((offset) => {
      const { key, value, headers, timestamp } = toMessage(event(offset + 1), plainWire)
      return { key, value, headers, timestamp, offset: String(offset), attributes: 0 } as never
    }),
    first: offsets[0]!,
    missing: offsets.at(-1)! + 1 - offsets[0]! - offsets.length,
    start: offsets[0]!,
    next: offsets.at(-1)! + 1,
    end: false,
    ...over,
  })
  async function wound(...fetches: Fetched[]): Promise<Tape> {
    const tape: Tape = { partition: 0, pos: 0, offset: 0, ahead: [], gone: 0, missing: 0, isSure: false, end: false }
    for (const one of fetches) {
      tape.ahead = []
      const fetcher = { fetch: async () => new Map([[0, one]]), close: async () => {} }
      await fill(fetcher, {
        topic: topic.name,
        kafkaTopic: topic.name,
        wire: plainWire,
        voided: { has: () => false, skip: (_topic, _partition, offset) => offset },
        tapes: [tape],
      })
      tape.pos = tape.ahead.at(-1)?.pos ?? tape.pos
    }
    return tape
  }
  const lack = ({ gone, missing }: Tape) => ({ gone, missing })

  it('lacks nothing when one offset follows the other, also from fetch to fetch', async () => {
    expect(lack(await wound(fetched([0, 1, 2]), fetched([3, 4])))).to.deep.equal({ gone: 0, missing: 0 })
  })

  it('tells what is missing in its midst, in a fetch and between two', async () => {
    expect(lack(await wound(fetched([0, 1, 4])))).to.deep.equal({ gone: 0, missing: 2 })
    expect(lack(await wound(fetched([0, 1]), fetched([5, 6])))).to.deep.equal({ gone: 0, missing: 3 })
  })

  it('tells what was cut from its beginning, also when nothing is left', async () => {
    expect(lack(await wound(fetched([7, 8])))).to.deep.equal({ gone: 7, missing: 0 })
    const empty = fetched([0], { messages: [], first: 20, missing: 0, start: 20, next: 20, end: true })
    expect(lack(await wound(empty))).to.deep.equal({ gone: 20, missing: 0 })
  })

  it('does not miss records of control, which have offsets and are no events', async () => {
    expect(lack(await wound(fetched([0, 1, 3], { missing: 0 }), fetched([5], { first: 4, missing: 0 })))).to.deep.equal({
      gone: 0,
      missing: 0,
    })
  })
})
