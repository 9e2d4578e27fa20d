import { createHash } from 'node:crypto'
import { type Catalog, decode } from '#events/kit/codec.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Decider } from '#events/kit/stream.ts'
import type { History } from '#platform/log/committed-histories.ts'
import { gone, type Id, type View } from '#projections/engine/view.ts'

/** The fingerprint of a version of a view or of a decider's state. Versions that fold alike have equal ones. */
export interface Print {
  /** The view's table; absent for a decider's state. */
  table?: { key: string; columns: Record<string, string>; indexes: string[] }
  /** By history: a hash of the result after each event. */
  folds: Record<string, string>
}

/** A view or a decider's state: it has a version and folds events. */
export interface Subject {
  /** `view notes`, `state of note`. */
  name: string
  /** Path of its committed files, without the version. */
  file: string
  version: number
  print(histories: ReadonlyMap<string, History>): Print
}

/** A view: its table, and the row after each event of its topic. */
export const ofView = (view: View): Subject => ({
  name: `view ${view.name}`,
  file: `views/${view.name}`,
  version: view.version,
  print: (histories) => ({
    table: { key: view.key, columns: { ...view.columns }, indexes: [...view.indexes] },
    folds: foldsOf(histories, (life) => rowsOf(view, life)),
  }),
})

/** The state of a kind of stream, after each of its events. */
export const ofDecider = (decider: Decider, catalog: Catalog): Subject => ({
  name: `state of ${decider.stream.kind}`,
  file: `states/${decider.stream.kind}`,
  version: decider.stateVersion,
  print: (histories) => ({ folds: foldsOf(histories, (life) => statesOf(decider, catalog, life)) }),
})

function* rowsOf(view: View, life: readonly Recorded[]): Generator<unknown> {
  const rows = new Map<Id, unknown>()
  for (const recorded of life) {
    if (recorded.topic !== view.topic.name) continue
    const event = decode(view.catalog, recorded)
    const id = view.id(event)
    const after = view.evolve(rows.get(id), event)
    if (after === gone) rows.delete(id)
    else if (after !== undefined) rows.set(id, after)
    yield [id, rows.get(id)]
  }
}

function* statesOf({ stream, evolve }: Decider, catalog: Catalog, life: readonly Recorded[]): Generator<unknown> {
  const states = new Map<string, unknown>()
  for (const recorded of life) {
    if (!recorded.stream.startsWith(`${stream.kind}-`)) continue
    states.set(recorded.stream, evolve(states.get(recorded.stream), decode(catalog, recorded)))
    yield [recorded.stream, states.get(recorded.stream)]
  }
}

const foldsOf = (
  histories: ReadonlyMap<string, History>,
  fold: (life: readonly Recorded[]) => Iterable<unknown>,
): Record<string, string> =>
  Object.fromEntries([...histories].map(([name, history]) => [name, hashOf(history.flatMap((life) => [...fold(life)]))]))

function hashOf(all: Iterable<unknown>): string {
  const hash = createHash('sha256')
  for (const one of all) hash.update(`${JSON.stringify(one, inOrder)}\n`)
  return hash.digest('base64url')
}

/** Sorts fields by name, because their order does not matter. */
const inOrder = (_: string, value: unknown) =>
  value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
