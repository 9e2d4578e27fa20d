import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identity } from '#platform/processes.ts'

/**
 * Makes a folder for a part of this test run. Also removes folders of killed runs, together with what still runs on them.
 * @param destroy stops what runs on a folder and removes it
 */
export async function testFolder(name: string, destroy: (folder: string) => Promise<void>): Promise<string> {
  const prefix = `vidwiz-${name}-`
  for (const found of readdirSync(tmpdir()).filter((found) => found.startsWith(prefix))) {
    const owner = found.slice(prefix.length, found.lastIndexOf('-'))
    if (identity(Number(owner.split('@')[0])) === owner) continue
    await destroy(join(tmpdir(), found)).catch(() => {}) // another run removes it too, or it is another user's
  }
  return mkdtempSync(join(tmpdir(), `${prefix}${identity(process.pid)}-`))
}
