import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import ts from 'typescript'
import * as modules from '#events/catalog.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const filesIn = (folder: string) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(ROOT, folder, name))
const textOf = (file: string) => readFileSync(file, 'utf8')

const DECLARED = /export const (\w+Events) = \[\s*(\.\.\.\w+,\s*)?(\w+)/
/** The file of a kind of stream, had it one type of event more. */
const withOneMore = (text: string) =>
  text.replace(DECLARED, (_, list: string, others = '', first: string) => {
    const stream = /(\w+)\.event\(/.exec(text)![1]
    return `const Forgotten = ${stream}.event('Forgotten', 1, ${first}.data)\nexport const ${list} = [${others}Forgotten, ${first}`
  })

const streams = filesIn('events').filter((file) => DECLARED.test(textOf(file)))
const views = filesIn('projections').filter((file) => /= view\(/.test(textOf(file)))

describe('a type of event', () => {
  it('without a case in the decider of its stream or in a view of its topic does not compile', function () {
    this.timeout(60_000)
    const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['events/catalog.ts'] }, ts.sys, ROOT)
    const host = ts.createCompilerHost(options)
    const { readFile } = host
    host.readFile = (file) => (streams.includes(file) ? withOneMore(textOf(file)) : readFile(file))
    const program = ts.createProgram([...streams, ...views], options, host)
    const complaintsOf = (file: string) =>
      program
        .getSemanticDiagnostics(program.getSourceFile(file))
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
        .filter((text) => /Forgotten.* is not assignable to parameter of type 'never'/.test(text))
    expect(streams).to.have.length(modules.deciders.length)
    for (const file of [...streams, ...views]) expect(complaintsOf(file), file).to.have.length(1)
  })

  it('that is declared is in the catalog', async () => {
    for (const file of streams)
      for (const [name, value] of Object.entries(await import(file)))
        if (typeof value === 'function' && 'upcasts' in value)
          expect(modules.catalog.get(name), `${name} in ${file}`).to.equal(value)
  })
})
