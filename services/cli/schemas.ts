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
import { OperatorError } from '#platform/service.ts'
import { allSchemas } from '#services/operations/topics/schemas.ts'
import { checkPrints, printSource, writePrints } from './fingerprints/check.ts'

/** The folder of committed schemas, and the declared events. Only tests give others. */
export interface SchemaSource {
  folder: string
  catalog: Catalog
}

const HERE: SchemaSource = { folder: SCHEMAS_FOLDER, catalog: declared }

/** All differences between the declared events and the committed schemas; empty when there are none. */
export async function checkSchemas({ folder, catalog } = HERE): Promise<SchemaProblem[]> {
  const { committed, problems } = await readCommittedSchemas(folder)
  return [...problems, ...schemaProblems(catalog, committed)]
}

/**
 * Writes the schema of each declared version that has none yet. Never changes an existing file.
 *
 * @returns the written files, and the remaining problems; a type with another problem gets no file
 */
export async function writeSchemas(source = HERE): Promise<{ written: string[]; problems: SchemaProblem[] }> {
  const problems = await checkSchemas(source)
  const blocked = new Set(problems.filter((p) => !p.unwritten).map((p) => p.type))
  const due = problems.filter((p) => p.unwritten && !blocked.has(p.type)).map((p) => source.catalog.get(p.type)!)
  const written = due.map((type) => schemaPath(type.topic.name, type.type, type.schema))
  for (const [i, type] of due.entries()) {
    const file = join(source.folder, written[i]!)
    await mkdir(dirname(file), { recursive: true })
    // wx: never overwrites a committed schema.
    await writeFile(file, `${JSON.stringify(jsonSchemaOf(type), null, 2)}\n`, { flag: 'wx' })
  }
  return { written, problems: problems.filter((p) => !p.unwritten || blocked.has(p.type)) }
}

/** `vidwiz schemas check | write | list | register`. Exit code 1 when problems remain. */
export function schemasCommand(source = HERE, prints = printSource): Command {
  const command = new Command('schemas').description(
    'the committed JSON Schemas of all events, and what views and states fold to',
  )
  command
    .command('check')
    .description(
      'refuse a change of an event that old or new readers could not read (FULL_TRANSITIVE), and of a view or a state without a new version',
    )
    .action(async () => {
      const folds = await prints()
      report(
        [...(await checkSchemas(source)), ...(await checkPrints(folds))],
        `${source.catalog.size} types of event agree with all their committed schemas, ${folds.subjects.length} views and states with their versions`,
      )
    })
  command
    .command('write')
    .description('write the schemas of new types and versions, and what new versions of views and states fold to')
    .action(async () => {
      const schemas = await writeSchemas(source)
      const folds = await writePrints(await prints())
      const written = [...schemas.written, ...folds.written]
      for (const file of written) console.log(`wrote ${file}`)
      report([...schemas.problems, ...folds.problems], written.length ? 'commit them: they stay for ever' : 'nothing to write')
    })
  command
    .command('list [type]')
    .description('all types of event with their versions, and what each version changed; of one type, its schemas')
    .action(list)
  command
    .command('register')
    .description('register the schemas of all versions with the schema registry, also those that only it is too strict for')
    .action(register)
  return command
}

async function list(type?: string) {
  const found = (await allSchemas()).filter((one) => type === undefined || one.type === type)
  if (found.length === 0) throw new OperatorError(`no type of event is called ${type}`)
  for (const { topic, type: name, versions } of found)
    for (const { version, schema, changes } of versions) {
      console.log(`${topic}  ${name} v${version}${changes.length > 0 ? `  ${changes.join('; ')}` : ''}`)
      if (type !== undefined) console.log(JSON.stringify(schema, null, 2))
    }
}

async function register() {
  const { SCHEMA_REGISTRY_URL: url, KAFKA_PREFIX: prefix } = readSettings()
  if (!url) throw new OperatorError('SCHEMA_REGISTRY_URL is not set')
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
