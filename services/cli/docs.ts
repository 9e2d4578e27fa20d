import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command } from 'commander'

/** Pages with generated parts, and the generator of each part. Only tests give others. */
export interface Docs {
  folder: string
  parts: Readonly<Record<string, () => string>>
}

/** Imported lazily, because it loads every service. */
const ours = async (): Promise<Docs> => ({
  folder: resolve(import.meta.dirname, '..', '..'),
  parts: (await import('#services/docs.ts')).generatedParts,
})

const BEGIN = '<!-- generated: '
const MARK = /^<!-- (generated: .*|\/generated) -->$/gm
const PART = /(?<=^<!-- generated: (?<name>\S+) -->\n).*?(?=^<!-- \/generated -->$)/gms

/** A page, with its current and its fresh text. */
interface Page {
  file: string
  text: string
  fresh: string
  /** Names of its generated parts. */
  parts: string[]
  /** Names of the parts that differ from what the declarations generate. */
  stale: string[]
  unknown: string[]
  /** Whether each part has its end. If not, hand-written text would count as part of a generated one. */
  isWhole: boolean
}

const pagesOf = ({ folder, parts }: Docs): Page[] =>
  globSync(['README.md', 'docs/**/*.md'], { cwd: folder })
    .sort()
    .map((file) => {
      const page: Page = {
        file,
        text: readFileSync(join(folder, file), 'utf8'),
        fresh: '',
        parts: [],
        stale: [],
        unknown: [],
        isWhole: true,
      }
      const marks = page.text.match(MARK) ?? []
      page.isWhole = marks.every((mark, at) => mark.startsWith(BEGIN) === (at % 2 === 0)) && marks.length % 2 === 0
      page.fresh = page.text.replace(PART, (old, ...rest) => {
        const { name } = rest.at(-1) as { name: string }
        page.parts.push(name)
        const make = parts[name]
        if (!make) page.unknown.push(name)
        const fresh = make ? `\n${make()}\n\n` : old
        if (fresh !== old) page.stale.push(name)
        return fresh
      })
      return page
    })

/** Problems that writing the parts does not solve. */
function mistakes(pages: readonly Page[], parts: Docs['parts']): string[] {
  const shown = new Set(pages.flatMap((page) => page.parts))
  return [
    ...pages.flatMap(({ file, unknown }) => unknown.map((name) => `${file}: nothing generates a part called ${name}`)),
    ...pages.flatMap(({ file, isWhole }) =>
      isWhole ? [] : [`${file}: a generated part has no end: <!-- /generated -->, or an end has no beginning`],
    ),
    ...Object.keys(parts).flatMap((name) => (shown.has(name) ? [] : [`no page has the generated part ${name}`])),
  ]
}

/** All differences between the pages and the declarations, a line each; empty when there are none. */
export function checkDocs(docs: Docs): string[] {
  const pages = pagesOf(docs)
  const differences = pages.flatMap(({ file, stale }) =>
    stale.map((name) => `${file}: the part "${name}" is not what the code declares: run \`npx vidwiz docs write\` and commit it`),
  )
  return [...mistakes(pages, docs.parts), ...differences]
}

/** Regenerates the parts of pages whose marks are right. Returns the changed files and the remaining problems. */
export function writeDocs(docs: Docs): { written: string[]; problems: string[] } {
  const pages = pagesOf(docs)
  const changed = pages.filter(({ stale, isWhole }) => isWhole && stale.length > 0)
  for (const { file, fresh } of changed) writeFileSync(join(docs.folder, file), fresh)
  return { written: changed.map(({ file }) => file), problems: mistakes(pages, docs.parts) }
}

/** `vidwiz docs check | write`. Exit code 1 when problems remain. */
export function docsCommand(source = ours): Command {
  const command = new Command('docs').description('the parts of the docs that are generated from the code')
  command
    .command('check')
    .description('refuse a page whose generated parts are not what the code declares')
    .action(async () => report(checkDocs(await source()), 'the docs are what the code declares'))
  command
    .command('write')
    .description('generate these parts again')
    .action(async () => {
      const { written, problems } = writeDocs(await source())
      for (const file of written) console.log(`wrote ${file}`)
      report(problems, written.length > 0 ? 'commit them' : 'nothing to write')
    })
  return command
}

function report(problems: readonly string[], allIsWell: string) {
  if (problems.length === 0) return console.log(allIsWell)
  for (const problem of problems) console.error(problem)
  process.exitCode = 1
}
