import { expect } from 'chai'
import { z } from 'zod'
import { catalogOf, EventError } from '#events/kit/codec.ts'
import type { EventOf, Recorded } from '#events/kit/envelope.ts'
import { decider, stream } from '#events/kit/stream.ts'
import { isFaultOfData } from '#platform/log/commands/executor.ts'
import { folding } from '#platform/log/commands/folding.ts'
import type { Found } from '#platform/log/port.ts'
import { topic } from '#test/conformance/log/groups.ts'
import { recordedAs } from '#test/kit/world.ts'

describe('folding a stream whose state was kept by another version of its decider', () => {
  const things = stream<object>('thing', { topic, id: () => 1, key: () => '1' })
  const Happened = things.event('Happened', 1, z.looseObject({}))
  const counting = decider<number, EventOf>(things, 2, (count) => (count ?? 0) + 1)
  const history = [1, 2, 3, 4].map((version) => recordedAs(Happened({}), { version }))
  const foldOf = (left: Recorded[]) =>
    folding({
      appender: { stream: () => Promise.resolve(left) },
      catalog: catalogOf([Happened]),
      deciderOf: () => counting,
    })('thing-1', { kept: { version: 3, stateVersion: 1, state: '"old"' }, keptAt: undefined, since: history.slice(3) } as Found)

  it('begins again with all of its history', async () => {
    expect(await foldOf(history)).to.include({ version: 4, stateVersion: 2, state: '4' })
  })

  for (const [what, left] of [
    ['the first events', history.slice(1)],
    ['an event in between', history.toSpliced(1, 1)],
    ['the last events', history.slice(0, 2)],
    ['all events', []],
  ] as const)
    it(`makes no state of a history that lacks ${what}, and takes that for a fault of the stream`, async () => {
      const error = await foldOf([...left]).catch((error) => error)
      expect(error).to.be.instanceOf(EventError).with.property('code', 'PRUNED')
      expect(isFaultOfData(error)).to.equal(true)
    })
})
