import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { dirname, extname, join, sep } from 'node:path'

/** A file of the page, ready for a browser. */
export interface PageFile {
  type: string
  body: string
  /** Hash of the content, in double quotes. */
  etag: string
}

export interface PageFiles {
  /**
   * File served under a path such as `/`, `/page/app.ts` or `/lib/preact.js`; undefined if none. Reads a changed file again.
   * @throws the file system's error if the file cannot be read
   */
  find(path: string): PageFile | undefined
  /** All paths that lead to a file. */
  paths(): string[]
}

const SCRIPT = 'text/javascript; charset=utf-8'
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.ts': SCRIPT,
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** npm modules that the page imports by name → path under which they are served. */
const LIBS: Record<string, string> = {
  preact: '/lib/preact.js',
  'preact/hooks': '/lib/preact/hooks.js',
  htm: '/lib/htm.js',
}

/** Browsers do not resolve bare module names: replace each with the path of its file. */
const resolved = (script: string): string =>
  script
    .replace(/(\bfrom\s*|\bimport\s*\(?\s*)(["'])([\w/-]+)\2/g, (whole, before, quote, name) =>
      Object.hasOwn(LIBS, name) ? `${before}${quote}${LIBS[name]}${quote}` : whole,
    )
    .replace(/^\/\/# sourceMappingURL=.*$/m, '')

/** Types are replaced by blanks, so that lines and columns in the browser match the file. */
const withoutTypes = (text: string): string => resolved(stripTypeScriptTypes(text, { mode: 'strip' }))

interface Source {
  file: string
  type: string
  read(text: string): string
}

/**
 * @param folder of the page: `index.html` and the files that it loads
 */
export function openPageFiles(folder: string): PageFiles {
  const cache = new Map<string, { stamp: string; page: PageFile }>()
  const libs = libSources()

  /** Listed on each request: only files found in the folder are served, so no path can escape it. */
  function sources(): Map<string, Source> {
    const found = new Map(libs)
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const type = TYPES[extname(name)]
      if (type === undefined || name.endsWith('.d.ts')) continue
      const file = join(folder, name)
      const read = extname(name) === '.ts' ? withoutTypes : (text: string) => text
      found.set(name === 'index.html' ? '/' : `/page/${name.split(sep).join('/')}`, { file, type, read })
    }
    return found
  }

  return {
    find(path) {
      const source = sources().get(path)
      if (!source) return undefined
      const { mtimeMs, size } = statSync(source.file)
      const stamp = `${mtimeMs} ${size}`
      const known = cache.get(path)
      if (known?.stamp === stamp) return known.page
      const body = source.read(readFileSync(source.file, 'utf8'))
      const page = { type: source.type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
      cache.set(path, { stamp, page })
      return page
    },
    paths: () => [...sources().keys()],
  }
}

/** Wherever npm installed them. */
function libSources(): [string, Source][] {
  const require = createRequire(import.meta.url)
  /** Root folder of a package: the file needed may not be among its exports. */
  const folderOf = (name: string): string => {
    let folder = dirname(require.resolve(name))
    while (!folder.endsWith(join('node_modules', name))) folder = dirname(folder)
    return folder
  }
  return [
    ['/lib/preact.js', { file: join(folderOf('preact'), 'dist/preact.mjs'), type: SCRIPT, read: resolved }],
    ['/lib/preact/hooks.js', { file: join(folderOf('preact'), 'hooks/dist/hooks.mjs'), type: SCRIPT, read: resolved }],
    ['/lib/htm.js', { file: join(folderOf('htm'), 'dist/htm.mjs'), type: SCRIPT, read: resolved }],
  ]
}
