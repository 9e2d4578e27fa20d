import { expect } from 'chai'
import { z } from 'zod'
import { command, emit } from '#events/kit/command.ts'
import type { EventOf } from '#events/kit/envelope.ts'
import { decider, stream } from '#events/kit/stream.ts'
import { Contended, executor } from '#platform/log/commands/executor.ts'
import type { Appender } from '#platform/log/port.ts'
import { explain } from '#services/api/errors.ts'

const topic = { name: 'test.things', partitions: 1 }
const things = stream<object>('thing', { topic, id: () => 1, key: () => '1' })
const Happened = things.event('Happened', 1, z.looseObject({}))
const counting = decider<number, EventOf>(things, 1, (count) => (count ?? 0) + 1)

describe('a command that loses each time', () => {
  it('is given up with an error that clients get as 503, to be repeated', async () => {
    let appends = 0
    const losing: Appender = {
      load: async () => ({ streams: new Map(), ids: {}, results: [], head: 0 }),
      append: async (groups) => {
        appends++
        return groups.map(() => ({ lost: { stale: ['thing-1'], usedKeys: [], taken: [], over: [] } }))
      },
      stream: async () => [],
    }
    const { execute } = executor({ appender: losing, catalog: new Map(), deciders: [counting], topics: [topic] })
    const happen = command({ name: 'happen', reads: { thing: counting.of(1) }, decide: () => emit([Happened({})], null) })
    const error = await execute(happen, { actor: null, correlationId: null }).catch((cause: unknown) => cause)
    expect(error).to.be.instanceOf(Contended)
    expect(appends).to.equal(50)
    const { status, headers } = explain(error)!
    expect([status, headers]).to.deep.equal([503, ['Retry-After', '1']])
  })
})
