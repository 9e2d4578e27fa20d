import { expect } from 'chai'
import fc from 'fast-check'
import { readFor } from '#projections/engine/fold.ts'
import type { Id, View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { anyWishes, commandOf } from '#test/kit/histories.ts'
import { world } from '#test/kit/world.ts'

describe('a view that declares its rows to be of one stream each (P6)', () => {
  for (const view of (views as readonly View[]).filter(({ perStream }) => perStream))
    it(`changes no row of ${view.name} by events of two streams`, () => {
      fc.assert(
        fc.property(anyWishes, (wishes) => {
          const people = world()
          for (const wish of wishes) people.execute(commandOf(wish))
          const streamOf = new Map<Id, string>()
          const rows = new Map<Id, unknown>()
          for (const recorded of people.log) {
            if (recorded.topic !== view.topic.name) continue
            const reading = readFor(view, recorded)
            if (reading.cause !== undefined) throw new Error(reading.cause.message)
            const { id, event } = reading
            const before = rows.get(id)
            const after = view.evolve(before, event)
            if (after === undefined || after === before) continue
            expect(streamOf.get(id) ?? recorded.stream).to.equal(recorded.stream)
            streamOf.set(id, recorded.stream)
            rows.set(id, typeof after === 'object' ? after : undefined)
          }
        }),
      )
    })
})
