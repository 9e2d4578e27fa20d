import { globSync } from 'node:fs'
import { expect } from 'chai'
import type { Command } from 'commander'
import { program } from '#services/cli/program.ts'
import { repository, textOf } from './repository.ts'

/** Files in which people find commands: pages, and what the programs print, alert and show. */
const WRITTEN = [
  'README.md',
  'docs/**/*.md',
  '{services,platform,projections}/**/*.{ts,yml,json}',
  'docker-compose.yml',
  'Makefile',
]

/** The text behind `vidwiz ` up to where the command ends: a quote, a line break, a pipe, a comment or punctuation. */
const COMMAND_LINE = /(?:npx|bin\/)\s?vidwiz ([^`'"\\\n|;&()#]*)/g

interface Line {
  file: string
  line: string
}

const written: Line[] = globSync(WRITTEN, { cwd: repository, exclude: (path) => String(path).includes('node_modules') }).flatMap(
  (file) => [...textOf(file).matchAll(COMMAND_LINE)].map(([, line]) => ({ file, line: line!.trim() })),
)

/** What works only where a new Node is first in PATH. `bin/node` and the Makefile find or fetch one. */
const NEEDS_A_NEW_NODE = /(?<!bin\/)\b(?:node (?:-\S+ )*\S+\.ts\b|npx (?:mocha|tsx|node)\b)[^`'"\n]*/g
const isComment = (line: string) => /^\s*(?:\/\/|\/?\*)/.test(line)
/** Commands in pages and messages; comments tell how a process is started by another one. */
const needANewNode = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => !isComment(line))
    .flatMap((line) => line.match(NEEDS_A_NEW_NODE) ?? [])

const vidwiz = await program()

const childOf = (command: Command, name: string) =>
  command.commands.find((one) => one.name() === name || one.aliases().includes(name))

/** Why nobody can run it; undefined when its commands and options exist. Arguments may be placeholders. */
function mistakeIn(line: string): string | undefined {
  // `lag, which says` is prose behind a command.
  const words = line.split(/[,:.](?:\s|$)/)[0]!.split(/\s+/)
  let command: Command = vidwiz
  let isValue = false
  for (const [at, word] of words.entries()) {
    const child = childOf(command, word)
    if (isValue) {
      isValue = false
      continue
    }
    if (child) command = child
    else if (word.startsWith('-')) {
      const [name] = word.split('=')
      const option = command.options.find(({ long, short }) => long === name || short === name)
      if (!option && name !== '--help') return `${command.name()} has no option ${name}`
      isValue = option?.required === true && !word.includes('=')
    } else if (
      command.commands.length > 0 &&
      /^[a-z][a-z-]+$/.test(word) &&
      (at === 0 || command.registeredArguments.length === 0)
    )
      return `${command.name()} has no command ${word}`
  }
  return undefined
}

describe('command lines that people find in pages and messages', () => {
  it('name commands and options that exist', () => {
    expect(written.length).to.be.greaterThan(150)
    expect(written.flatMap(({ file, line }) => (mistakeIn(line) ? [`${file}: ${line}: ${mistakeIn(line)}`] : []))).to.deep.equal(
      [],
    )
  })

  it('run with any Node on the machine', () => {
    const files = globSync(['README.md', '{docs,bench}/**/*.md', '{services,platform,projections,bench}/**/*.ts'], {
      cwd: repository,
      exclude: (path) => String(path).includes('node_modules'),
    })
    expect(files).to.include.members(['docs/adding-a-feature.md', 'bench/README.md', 'services/cli/fingerprints/check.ts'])
    expect(files.flatMap((file) => needANewNode(textOf(file)).map((line) => `${file}: ${line}`))).to.deep.equal([])
  })

  it('are refused here when they do not', () => {
    expect(
      needANewNode('$ node test/kit/write-history.ts\n$ npx mocha --exit x.test.ts\nrun `node --watch a/b.ts` now'),
    ).to.deep.equal(['node test/kit/write-history.ts', 'npx mocha --exit x.test.ts', 'node --watch a/b.ts'])
    expect(needANewNode('$ bin/node test/kit/write-history.ts\n// `node services/process.ts ops`\nNode runs .ts files')).to.be
      .empty
    expect(mistakeIn('lagg')).to.equal('vidwiz has no command lagg')
    expect(mistakeIn('topics chekc')).to.equal('topics has no command chekc')
    expect(mistakeIn('rebuild notes --dry')).to.equal('rebuild has no option --dry')
    expect(mistakeIn('rebuild <view> --dry-run')).to.equal(undefined)
  })
})
