import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { catalog as declared } from '#events/catalog.ts'
import type { Catalog } from '#events/kit/codec.ts'
import { jsonSchemaOf } from '#events/kit/json-schema.ts'
import { type CommittedSchema, type SchemaProblem, schemaPath, schemaProblems } from '#events/kit/schema-history.ts'

/** The folder of committed schemas and the events that are declared; given otherwise in tests only. */
export interface SchemaSource {
  folder: string
  catalog: Catalog
}

const HERE: SchemaSource = { folder: fileURLToPath(new URL('../../events/schemas', import.meta.url)), catalog: declared }
const PATH = /^(?<topic>[^/]+)\/(?<type>\w+)\.v(?<version>[1-9]\d*)\.json$/

/** Everything in which the declared events and the committed schemas disagree; empty when all is well. */
export async function checkSchemas({ folder, catalog } = HERE): Promise<SchemaProblem[]> {
  const { committed, problems } = await readSchemas(folder)
  return [...problems, ...schemaProblems(catalog, committed)]
}

/**
 * Writes the schema of each declared version that has none yet; never touches one that is there.
 *
 * @returns the files it wrote, and the problems that are left: a type that has another problem gets no file
 */
export async function writeSchemas(source = HERE): Promise<{ written: string[]; problems: SchemaProblem[] }> {
  const problems = await checkSchemas(source)
  const blocked = new Set(problems.filter((p) => !p.unwritten).map((p) => p.type))
  const due = problems.filter((p) => p.unwritten && !blocked.has(p.type)).map((p) => source.catalog.get(p.type)!)
  const written = due.map((type) => schemaPath(type.topic.name, type.type, type.schema))
  for (const [i, type] of due.entries()) {
    const file = join(source.folder, written[i]!)
    await mkdir(dirname(file), { recursive: true })
    // wx: a committed schema is never written over.
    await writeFile(file, `${JSON.stringify(jsonSchemaOf(type), null, 2)}\n`, { flag: 'wx' })
  }
  return { written, problems: problems.filter((p) => !p.unwritten || blocked.has(p.type)) }
}

/** `vidwiz schemas check | write`. Exit code 1 when problems are left. */
export function schemasCommand(source = HERE): Command {
  const command = new Command('schemas').description('the committed JSON Schemas of all events')
  command
    .command('check')
    .description('refuse a change that old or new readers could not read (FULL_TRANSITIVE)')
    .action(async () =>
      report(await checkSchemas(source), `${source.catalog.size} types of event agree with all their committed schemas`),
    )
  command
    .command('write')
    .description('write the schemas of new types and versions')
    .action(async () => {
      const { written, problems } = await writeSchemas(source)
      for (const file of written) console.log(`wrote ${file}`)
      report(problems, written.length ? 'commit them: they stay for ever' : 'nothing to write')
    })
  return command
}

function report(problems: readonly SchemaProblem[], allIsWell: string) {
  if (problems.length === 0) return console.log(allIsWell)
  for (const problem of problems) console.error(sentence(problem))
  process.exitCode = 1
}

const sentence = ({ type, version, field, what, todo }: SchemaProblem) =>
  `${type}${version ? ` v${version}` : ''}: ${field ? `${field} ` : ''}${what}\n  → ${todo}`

async function readSchemas(folder: string): Promise<{ committed: CommittedSchema[]; problems: SchemaProblem[] }> {
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
