import { registerHooks } from 'node:module'

/**
 * Makes a process run the next version of VidWiz, whose view `notes` has one more column. Use it with `node --import`, or in
 * NODE_OPTIONS of the services.
 */
const CHANGES: [pattern: string, becomes: string][] = [
  ['version: 3,', 'version: 4,'],
  ["version: 'int not null',", "version: 'int not null', colour: 'text not null',"],
  ['updated_at: at, version }', "updated_at: at, version, colour: 'blue' }"],
  ['created_at, updated_at, version`', 'created_at, updated_at, version, colour`'],
  ["created_at, updated_at, version'", "created_at, updated_at, version, colour'"],
]
const OPTIONAL = new Set([CHANGES[3]![0], CHANGES[4]![0]])

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.endsWith('/projections/notes.ts')) return loaded
    let source = String(loaded.source)
    for (const [pattern, becomes] of CHANGES) {
      if (!source.includes(pattern) && !OPTIONAL.has(pattern)) throw new Error(`${url} has no ${pattern} any more`)
      source = source.replace(pattern, becomes)
    }
    return { ...loaded, source }
  },
})
