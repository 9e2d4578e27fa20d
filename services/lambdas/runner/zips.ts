import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { zipSync } from 'fflate'

/** A function, packed for AWS. */
export interface Zip {
  name: string
  path: string
  sizeBytes: number
  /** Hash of the whole zip; identifies the code. */
  sha256: string
  /** Whether it was built just now. */
  isNew: boolean
}

const root = join(import.meta.dirname, '..', '..', '..')

/** This file determines the zips' content too, so its hash is part of each stamp. */
const SELF = relative(root, import.meta.filename)

/**
 * Unix mode `rw-r--r--`, because AWS runs functions as another user. Zips contain local time: a fixed one gives the same bytes
 * everywhere.
 */
const readable = () => ({ os: 3, attrs: 0o100644 << 16, mtime: new Date(1980, 0, 1) })

/** For bundled libraries that still use `require`. */
const BANNER = "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);"

/**
 * Bundles functions into zips with a single file `handler.mjs`. The AWS SDK is left out, because the runtime has it. A zip whose
 * sources have not changed is kept. The same sources give the same bytes.
 */
export async function buildZips(names: readonly string[], folder: string): Promise<Zip[]> {
  await mkdir(folder, { recursive: true })
  const there = await Promise.all(names.map((name) => upToDate(name, folder)))
  if (there.every((zip) => zip !== undefined)) return there
  const esbuild = await import('esbuild')
  try {
    return await Promise.all(names.map((name, i) => there[i] ?? build(esbuild, name, folder)))
  } finally {
    // esbuild leaves a child process running otherwise.
    await esbuild.stop()
  }
}

/** Inputs and hash of a zip, stored beside it. */
interface Stamp {
  sha256: string
  esbuild: string
  sources: Record<string, string>
}

const pathsOf = (name: string, folder: string) => ({ zip: join(folder, `${name}.zip`), stamp: join(folder, `${name}.json`) })

async function upToDate(name: string, folder: string): Promise<Zip | undefined> {
  const { zip, stamp } = pathsOf(name, folder)
  try {
    const { sha256, esbuild, sources } = JSON.parse(await readFile(stamp, 'utf8')) as Stamp
    const bytes = await readFile(zip)
    if (esbuild !== esbuildVersion() || hashOf(bytes) !== sha256) return undefined
    const now = await hashesOf(Object.keys(sources))
    if (Object.entries(sources).some(([path, hash]) => now[path] !== hash)) return undefined
    return { name, path: zip, sizeBytes: bytes.length, sha256, isNew: false }
  } catch {
    return undefined // missing or malformed: build it again
  }
}

async function build(esbuild: typeof import('esbuild'), name: string, folder: string): Promise<Zip> {
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [`services/lambdas/${name}/handler.ts`],
    bundle: true,
    write: false,
    metafile: true,
    outfile: 'handler.mjs',
    platform: 'node',
    target: 'node22',
    format: 'esm',
    external: ['@aws-sdk/*'],
    banner: { js: BANNER },
    // Readable stack traces: identifiers are not minified.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'silent',
  })
  const bytes = zipSync({ 'handler.mjs': [outputFiles[0]!.contents, readable()] }, { level: 9 })
  const sha256 = hashOf(bytes)
  const sources = await hashesOf([SELF, ...Object.keys(metafile.inputs)].sort())
  const stamp: Stamp = { sha256, esbuild: esbuildVersion(), sources }
  const { zip, stamp: stampPath } = pathsOf(name, folder)
  await replace(zip, bytes)
  await replace(stampPath, `${JSON.stringify(stamp, null, 2)}\n`)
  return { name, path: zip, sizeBytes: bytes.length, sha256, isNew: true }
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Hashes of files, by their paths below the root. */
async function hashesOf(paths: string[]): Promise<Record<string, string>> {
  const hashes = await Promise.all(paths.map(async (path) => [path, hashOf(await readFile(join(root, path)))] as const))
  return Object.fromEntries(hashes)
}

const esbuildVersion = (): string => createRequire(import.meta.url)('esbuild/package.json').version

/** Replaces a file atomically, because another process may be reading it. */
async function replace(path: string, content: Uint8Array | string) {
  const unfinished = `${path}.${process.pid}~`
  await writeFile(unfinished, content)
  await rename(unfinished, path)
}
