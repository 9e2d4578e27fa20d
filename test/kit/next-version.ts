import { registerHooks } from 'node:module'

/**
 * Makes a process run the next version of VidWiz, whose view `notes` has one more column. Use it with `node --import`, or in
 * NODE_OPTIONS of the services.
 */
const CHANGES: [pattern: RegExp | string, becomes: string | ((...match: string[]) => string)][] = [
  [/version: (\d+),/, (_, version) => `version: ${Number(version) + 1},`],
  ["version: 'int not null',", "version: 'int not null', colour: 'text not null',"],
  ['updated_at: at, version }', "updated_at: at, version, colour: 'blue' }"],
]

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.endsWith('/projections/notes.ts')) return loaded
    let source = String(loaded.source)
    for (const [pattern, becomes] of CHANGES) {
      const changed = source.replace(pattern, becomes as string)
      if (changed === source) throw new Error(`${url} has no ${pattern} any more`)
      source = changed
    }
    return { ...loaded, source }
  },
})
