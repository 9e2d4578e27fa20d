import { registerHooks } from 'node:module'

type Change = [pattern: RegExp | string, becomes: string | ((...match: string[]) => string)]

/**
 * Makes a process run the next version of VidWiz, whose view `notes` has one more column, and which writes NotePinned in a higher schema
 * version. Use it with `node --import`, or in NODE_OPTIONS of the services.
 */
const CHANGES: Record<string, Change[]> = {
  '/projections/notes.ts': [
    [/version: (\d+),/, (_, version) => `version: ${Number(version) + 1},`],
    ["version: 'int not null',", "version: 'int not null', colour: 'text not null',"],
    ['updated_at: at, version }', "updated_at: at, version, colour: 'blue' }"],
  ],
  '/events/note.ts': [
    [
      /event\('NotePinned', (\d+), (.*)\)$/m,
      (_, n, data) => `event('NotePinned', ${Number(n) + 1}, ${data}, { ${n}: (it) => it })`,
    ],
  ],
}

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const [, changes] = Object.entries(CHANGES).find(([file]) => url.endsWith(file)) ?? []
    if (!changes) return loaded
    let source = String(loaded.source)
    for (const [pattern, becomes] of changes) {
      const changed = source.replace(pattern, becomes as string)
      if (changed === source) throw new Error(`${url} has no ${pattern} any more`)
      source = changed
    }
    return { ...loaded, source }
  },
})
