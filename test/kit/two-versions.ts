import { catalog } from '#events/catalog.ts'
import { type Catalog, catalogOf } from '#events/kit/codec.ts'
import type { View } from '#projections/engine/view.ts'

/** Types of event that only the newer of two versions of the code knows. */
const ADDED = ['NotePinned', 'NoteUnpinned']

const without = (of: Catalog): Catalog => catalogOf([...of.values()].filter(({ type }) => !ADDED.includes(type)))

/** The catalog of the older code. The newer code has `catalog`. */
export const olderCatalog = without(catalog)

/** A view as the older code knows it: its version is the same. */
export const asOlder = (view: View): View => ({ ...view, catalog: without(view.catalog) })
