import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { CommittedSchema, SchemaProblem } from '#events/kit/schema-history.ts'

/** The folder of the schemas of all events, in all versions. */
export const SCHEMAS_FOLDER = join(import.meta.dirname, '..', '..', 'events', 'schemas')

const PATH = /^(?<topic>[^/]+)\/(?<type>\w+)\.v(?<version>[1-9]\d*)\.json$/

/** Reads the committed schemas. A JSON file that is not one is returned as a problem. */
export async function readCommittedSchemas(folder: string): Promise<{ committed: CommittedSchema[]; problems: SchemaProblem[] }> {
  const committed: CommittedSchema[] = []
  const problems: SchemaProblem[] = []
  for (const path of await jsonFiles(folder)) {
    const { topic, type, version } = PATH.exec(path)?.groups ?? {}
    if (!topic || !type || !version) {
      problems.push(strange(path, 'is not called <topic>/<Type>.v<version>.json'))
      continue
    }
    try {
      committed.push({ topic, type, version: Number(version), schema: JSON.parse(await readFile(join(folder, path), 'utf8')) })
    } catch {
      problems.push({ ...strange(type, `${path} is not JSON`), version: Number(version) })
    }
  }
  return { committed, problems }
}

const jsonFiles = async (folder: string) =>
  existsSync(folder)
    ? (await readdir(folder, { recursive: true }))
        .filter((path) => path.endsWith('.json'))
        .map((path) => path.split(sep).join('/'))
        .sort()
    : []

const strange = (type: string, what: string): SchemaProblem => ({
  type,
  what,
  todo: 'bring it back from the version control, or take it away if it was never committed',
})
