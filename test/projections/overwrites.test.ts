import { expect } from 'chai'
import fc from 'fast-check'
import { readFor } from '#projections/engine/fold.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { anyWishes, commandOf } from '#test/kit/histories.ts'
import { world } from '#test/kit/world.ts'

describe('an event that a view declares to make its row again', () => {
  for (const view of views as readonly View[])
    it(`makes the same row of ${view.name} whatever was there before`, () => {
      fc.assert(
        fc.property(anyWishes, (wishes) => {
          const people = world()
          for (const wish of wishes) people.execute(commandOf(wish))
          let before: unknown
          for (const recorded of people.log) {
            if (recorded.topic !== view.topic.name) continue
            const reading = readFor(view, recorded)
            if (reading.cause !== undefined) throw new Error(reading.cause.message)
            const after = view.evolve(before, reading.event)
            // Any row of the view will do, also that of another thing.
            if (view.overwrites.has(recorded.type)) expect(after).to.deep.equal(view.evolve(undefined, reading.event))
            if (typeof after === 'object') before = after
          }
        }),
      )
    })
})
