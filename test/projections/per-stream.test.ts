import { expect } from 'chai'
import fc from 'fast-check'
import type { Recorded } from '#events/kit/envelope.ts'
import { readFor } from '#projections/engine/fold.ts'
import type { Id, View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { anyWishes, commandOf } from '#test/kit/histories.ts'
import { world } from '#test/kit/world.ts'

type Wishes = typeof anyWishes extends fc.Arbitrary<infer W> ? W : never

/** Calls `saw` with each event of a view's topic that changes a row, and the row's id. */
function changes(view: View, wishes: Wishes, saw: (id: Id, recorded: Recorded) => void) {
  const people = world()
  for (const wish of wishes) people.execute(commandOf(wish))
  const rows = new Map<Id, unknown>()
  for (const recorded of people.log) {
    if (recorded.topic !== view.topic.name) continue
    const reading = readFor(view, recorded)
    if (reading.cause !== undefined) throw new Error(reading.cause.message)
    const { id, event } = reading
    const before = rows.get(id)
    const after = view.evolve(before, event)
    if (after === undefined || after === before) continue
    saw(id, recorded)
    rows.set(id, typeof after === 'object' ? after : undefined)
  }
}

describe('a view', () => {
  for (const view of views as readonly View[])
    it(`changes no row of ${view.name} by events of two keys, which may be in two partitions`, () => {
      fc.assert(
        fc.property(anyWishes, (wishes) => {
          const keyOf = new Map<Id, string>()
          changes(view, wishes, (id, { key }) => {
            expect(keyOf.get(id) ?? key).to.equal(key)
            keyOf.set(id, key)
          })
        }),
      )
    })
})

describe('a view that declares its rows to be of one stream each (P6)', () => {
  for (const view of (views as readonly View[]).filter(({ perStream }) => perStream))
    it(`changes no row of ${view.name} by events of two streams`, () => {
      fc.assert(
        fc.property(anyWishes, (wishes) => {
          const streamOf = new Map<Id, string>()
          changes(view, wishes, (id, { stream }) => {
            expect(streamOf.get(id) ?? stream).to.equal(stream)
            streamOf.set(id, stream)
          })
        }),
      )
    })
})
