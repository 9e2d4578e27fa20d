import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identity } from '#platform/processes.ts'

/**
 * A folder for a part of this test run. Those of runs that were killed are swept, with what still runs on them.
 * @param destroy stops what runs on a folder and removes it
 */
export async function testFolder(name: string, destroy: (folder: string) => Promise<void>): Promise<string> {
  const prefix = `vidwiz-${name}-`
  for (const found of readdirSync(tmpdir()).filter((found) => found.startsWith(prefix))) {
    const owner = found.slice(prefix.length, found.lastIndexOf('-'))
    if (identity(Number(owner.split('@')[0])) === owner) continue
    await destroy(join(tmpdir(), found)).catch(() => {}) // another run sweeps too, or it is another user's
  }
  return mkdtempSync(join(tmpdir(), `${prefix}${identity(process.pid)}-`))
}
