import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { catalog as declared } from '#events/catalog.ts'
import type { Catalog } from '#events/kit/codec.ts'
import { jsonSchemaOf } from '#events/kit/json-schema.ts'
import { type SchemaProblem, schemaPath, schemaProblems } from '#events/kit/schema-history.ts'
import { readSettings } from '#platform/config/settings.ts'
import { readCommittedSchemas, SCHEMAS_FOLDER } from '#platform/log/committed-schemas.ts'
import { ourSchemas, registerSchemas } from '#platform/log/kafka/schemas.ts'
import { Trouble } from '#platform/service.ts'

/** The folder of committed schemas and the events that are declared; given otherwise in tests only. */
export interface SchemaSource {
  folder: string
  catalog: Catalog
}

const HERE: SchemaSource = { folder: SCHEMAS_FOLDER, catalog: declared }

/** Everything in which the declared events and the committed schemas disagree; empty when all is well. */
export async function checkSchemas({ folder, catalog } = HERE): Promise<SchemaProblem[]> {
  const { committed, problems } = await readCommittedSchemas(folder)
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

/** `vidwiz schemas check | write | register`. Exit code 1 when problems are left. */
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
  command
    .command('register')
    .description('register the schemas of all versions with the schema registry, also those that only it is too strict for')
    .action(register)
  return command
}

async function register() {
  const { SCHEMA_REGISTRY_URL: url, KAFKA_PREFIX: prefix } = readSettings()
  if (!url) throw new Trouble('SCHEMA_REGISTRY_URL is not set')
  const ids = await registerSchemas({ url, prefix, schemas: await ourSchemas() }, { insist: true })
  console.log(`the registry knows all ${ids.size} schemas`)
}

function report(problems: readonly SchemaProblem[], allIsWell: string) {
  if (problems.length === 0) return console.log(allIsWell)
  for (const problem of problems) console.error(sentence(problem))
  process.exitCode = 1
}

const sentence = ({ type, version, field, what, todo }: SchemaProblem) =>
  `${type}${version ? ` v${version}` : ''}: ${field ? `${field} ` : ''}${what}\n  → ${todo}`
