import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { catalog, deciders } from '#events/catalog.ts'
import type { Catalog } from '#events/kit/codec.ts'
import type { SchemaProblem } from '#events/kit/schema-history.ts'
import { HISTORIES_FOLDER, type History, readCommittedHistories } from '#platform/log/committed-histories.ts'
import { views } from '#projections/index.ts'
import { ofDecider, ofView, type Print, type Subject } from './print.ts'

/** The fingerprinted views and deciders, the histories, and the folder of the fingerprints. Only tests give others. */
export interface PrintSource {
  folder: string
  histories: ReadonlyMap<string, History>
  catalog: Catalog
  subjects: readonly Subject[]
}

/** All views and deciders, over the committed histories. */
export const printSource = async (): Promise<PrintSource> => ({
  folder: HISTORIES_FOLDER,
  histories: await readCommittedHistories(),
  catalog,
  subjects: [...views.map(ofView), ...deciders.map((decider) => ofDecider(decider, catalog))],
})

/** All differences between views or deciders and the fingerprints of their versions; empty when there are none. */
export async function checkPrints(source: PrintSource): Promise<SchemaProblem[]> {
  const problems = await Promise.all(source.subjects.map((subject) => problemsOf(source, subject)))
  return [...unseen(source), ...problems.flat()]
}

/**
 * Writes the fingerprint of each version without one, and adds those over new histories. Never changes an existing hash.
 * @returns the written files, and the remaining problems
 */
export async function writePrints(source: PrintSource): Promise<{ written: string[]; problems: SchemaProblem[] }> {
  const written: string[] = []
  for (const subject of source.subjects) {
    const problems = await problemsOf(source, subject)
    if (problems.length === 0 || problems.some(({ unwritten }) => !unwritten)) continue
    const file = fileOf(subject, subject.version)
    const path = join(source.folder, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, `${JSON.stringify(subject.print(source.histories), null, 2)}\n`)
    written.push(file)
  }
  return { written, problems: await checkPrints(source) }
}

const fileOf = ({ file }: Subject, version: number) => `${file}.v${version}.json`

/** Event types in no history: a change in how they fold would go unnoticed. */
function unseen({ histories, catalog }: PrintSource): SchemaProblem[] {
  const seen = new Set([...histories.values()].flatMap((history) => history.flat().map(({ type }) => type)))
  return [...catalog.keys()]
    .filter((type) => !seen.has(type))
    .map((type) => ({
      type,
      what: 'is in none of the histories in events/histories, so nobody would notice that it folds to something else',
      todo: 'run `bin/node test/kit/write-history.ts`, then `vidwiz schemas write`, and commit what they wrote',
    }))
}

async function problemsOf({ folder, histories }: PrintSource, subject: Subject): Promise<SchemaProblem[]> {
  const { name: type, version } = subject
  const problem = (what: string, todo: string, unwritten?: true): SchemaProblem => ({
    type,
    version,
    what,
    todo,
    ...(unwritten && { unwritten }),
  })
  const raise = (what: string) =>
    problem(what, `raise its version to ${version + 1}, run \`vidwiz schemas write\` and commit what it wrote`)
  const newest = Math.max(0, ...(await versionsOf(folder, subject)))
  if (newest > version)
    return [problem(`was version ${newest} before`, `raise its version to ${newest + 1}: versions never fall`)]
  const committed = await read(join(folder, fileOf(subject, version)))
  const write = 'run `vidwiz schemas write` and commit what it wrote'
  if (!committed) return [problem('has no committed fingerprint', write, true)]

  let now: Print
  try {
    now = subject.print(histories)
  } catch (error) {
    return [problem(`cannot fold a history: ${(error as Error).message}`, 'correct it: the log has such events')]
  }
  const changed = tableChanges(committed.table, now.table)
  if (changed.length > 0) return [raise(`was changed without a new version: ${changed.join(', ')}`)]
  const others = Object.keys(now.folds).filter(
    (history) => committed.folds[history] && committed.folds[history] !== now.folds[history],
  )
  if (others.length > 0) return [raise(`folds to something else than version ${version} did (history ${others.join(', ')})`)]
  const gone = Object.keys(committed.folds).filter((history) => !(history in now.folds))
  if (gone.length > 0)
    return [problem(`was folded over history ${gone.join(', ')}`, 'bring the history back from the version control')]
  const isWhole = Object.keys(now.folds).every((history) => history in committed.folds)
  return isWhole ? [] : [problem('has no fingerprint over a new history', write, true)]
}

function tableChanges(before: Print['table'], now: Print['table']): string[] {
  if (!before || !now) return []
  const names = [...new Set([...Object.keys(before.columns), ...Object.keys(now.columns)])]
  const columns = names
    .filter((name) => before.columns[name] !== now.columns[name])
    .map((name) => `column ${name}: ${before.columns[name] ?? 'none'} → ${now.columns[name] ?? 'none'}`)
  return [
    ...columns,
    ...(before.key === now.key ? [] : [`key: ${before.key} → ${now.key}`]),
    ...(isDeepStrictEqual(before.indexes, now.indexes) ? [] : ['its indexes']),
  ]
}

async function versionsOf(folder: string, { file }: Subject): Promise<number[]> {
  const path = join(folder, dirname(file))
  if (!existsSync(path)) return []
  const name = file.slice(file.lastIndexOf('/') + 1)
  return (await readdir(path)).flatMap((one) => {
    const [, of, version] = /^(.*)\.v(\d+)\.json$/.exec(one) ?? []
    return of === name ? [Number(version)] : []
  })
}

const read = async (path: string): Promise<Print | undefined> =>
  existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as Print) : undefined
