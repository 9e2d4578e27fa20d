import { expect } from 'chai'
import type { NewEvent } from '#events/kit/envelope.ts'
import { fold, readFor } from '#projections/engine/fold.ts'
import type { View } from '#projections/engine/view.ts'
import { BEGINNING, recordedAs } from '#test/kit/world.ts'

/** The moment of the n-th event of a history, counted from 1: they are a second apart. */
export const moment = (n: number) => new Date(BEGINNING + n * 1000).toISOString()

/**
 * A fold as a sentence: `having(noteCreated(), noteDeleted()).view(notesView).shows()`.
 * Every event goes through the codec; what cannot be applied fails the test.
 */
export const having = (...history: NewEvent[]) => ({
  view(view: View) {
    const versions = new Map<string, number>()
    const readings = history.map((event, i) => {
      const version = (versions.get(event.stream) ?? 0) + 1
      versions.set(event.stream, version)
      return readFor(view, recordedAs(event, { pos: i + 1, time: BEGINNING + (i + 1) * 1000, version }))
    })
    const { changed, parked } = fold(view, new Map(), readings, () => false)
    expect(parked.map(({ cause }) => cause)).to.deep.equal([])
    const rows = [...changed.values()].filter((row) => row !== undefined)
    return {
      /** Exactly these rows, each with at least these columns. */
      shows(...expected: Record<string, unknown>[]) {
        expect(rows).to.have.length(expected.length)
        for (const [i, row] of rows.entries()) expect(row).to.deep.include(expected[i])
      },
      /** Every row has every column and no other. */
      isWhole() {
        for (const row of rows) expect(Object.keys(row)).to.have.members(Object.keys(view.columns))
      },
    }
  },
})
