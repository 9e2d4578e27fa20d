import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { expect } from 'chai'
import { z } from 'zod'
import { catalogOf } from '#events/kit/codec.ts'
import { stream, type Upcast } from '#events/kit/stream.ts'
import { checkSchemas, schemasCommand, writeSchemas } from '#services/cli/schemas.ts'

const on = (topic: string) => stream('thing', { topic: { name: topic, partitions: 1 }, id: () => 1, key: () => 1 })
const size = z.int()
const colour = z.string().optional()
const lift: Upcast = (older) => older

describe('the schemas of this house', () => {
  it('are what is declared, and every version can read every other', async () => expect(await checkSchemas()).to.deep.equal([]))
})

describe('checking schemas', () => {
  const folder = mkdtempSync(join(tmpdir(), 'schemas-'))
  beforeEach(() => mkdirSync(folder, { recursive: true }))
  afterEach(() => rmSync(folder, { recursive: true }))

  type Declared = Parameters<typeof catalogOf>[0]
  const source = (...types: Declared) => ({ folder, catalog: catalogOf(types) })
  const made = (version: number, shape: z.ZodType<object>, upcasts?: Record<number, Upcast>, topic = 'things') =>
    on(topic).event('Made', version, shape, upcasts)
  const written = async (...types: Declared) => {
    for (const type of types) await writeSchemas(source(type))
  }
  const told = async (...types: Declared) =>
    (await checkSchemas(source(...types))).map(
      ({ type, version, field, what, todo }) => `${type} v${version} ${field ?? '-'}: ${what} → ${todo}`,
    )
  const files = () =>
    readdirSync(folder, { recursive: true })
      .map((file) => String(file).split(sep).join('/'))
      .filter((file) => file.endsWith('.json'))

  const v1 = made(1, z.object({ size }))
  const v2 = made(2, z.object({ size, colour }), { 1: lift })

  it('finds nothing wrong with what was written', async () => {
    await written(v1)
    expect(files()).to.deep.equal(['things/Made.v1.json'])
    expect(await told(v1)).to.deep.equal([])
  })

  it('finds nothing wrong with a new version that only adds an optional field', async () => {
    await written(v1, v2)
    expect(files()).to.have.members(['things/Made.v1.json', 'things/Made.v2.json'])
    expect(await told(v2)).to.deep.equal([])
  })

  it('misses the schema of a new type', async () =>
    expect(await told(v1)).to.deep.equal([
      'Made v1 -: has no committed schema → run `npx vidwiz schemas write` and commit what it wrote',
    ]))

  it('misses the schema of a new version', async () => {
    await written(v1)
    expect(await told(v2)).to.deep.equal([
      'Made v2 -: has no committed schema → run `npx vidwiz schemas write` and commit what it wrote',
    ])
  })

  it('refuses another declaration of a committed version, and asks for a new version where that is enough', async () => {
    await written(v1)
    expect(await told(made(1, z.object({ size, colour })))).to.deep.equal([
      'Made v1 colour: is new, but version 1 is committed otherwise → raise the schema version to 2 and declare the upcast { 1: (older) => … }',
    ])
  })

  it('refuses another declaration of a committed version, and asks for a new type where nothing else will do', async () => {
    await written(v1)
    const [problem, ...others] = await told(made(1, z.object({ size: z.string() })))
    expect(problem).to.match(
      /^Made v1 size: type was "integer" and is "string" now, but version 1 is committed otherwise → take it back: .*new type of event/,
    )
    expect(others.length).to.be.lessThan(3)
  })

  it('misses the schema of an older version', async () => {
    await written(v1, v2)
    rmSync(join(folder, 'things/Made.v1.json'))
    expect(await told(v2)).to.deep.equal([
      'Made v1 -: has no committed schema → bring things/Made.v1.json back from the version control',
    ])
  })

  it('misses the upcast of an older version', async () => {
    await written(v1, v2)
    expect(await told(made(2, z.object({ size, colour })))).to.deep.equal([
      'Made v1 -: cannot be lifted to version 2 → declare its upcast: { 1: (older) => … }',
    ])
  })

  it('refuses a version lower than the committed one', async () => {
    await written(v1, v2)
    expect(await told(v1)).to.deep.equal([
      'Made v2 -: is committed but declared at version 1 only → raise its declaration to version 2; versions never go back',
    ])
  })

  it('refuses a new version that the one before could not read', async () => {
    await written(v1)
    const [unwritten, incompatible, ...others] = await told(made(2, z.object({ size, colour: z.string() }), { 1: lift }))
    expect(unwritten).to.include('Made v2 -: has no committed schema')
    expect(incompatible).to.match(
      /^Made v2 colour: is new and required \(compared with version 1\) → take it back: .*new type of event/,
    )
    expect(others).to.deep.equal([])
  })

  it('compares with all versions, not with the last one only', async () => {
    const first = made(1, z.object({ size, colour }))
    const second = made(2, z.object({ size }), { 1: lift })
    const third = made(3, z.object({ size, colour: z.int().optional() }), { 1: lift, 2: lift })
    await written(first, second)
    expect(await told(second)).to.deep.equal([])
    const all = (await told(third)).join('\n')
    expect(all).to.include('Made v3 colour: type was "string" and is "integer" now (compared with version 1)')
    expect(all).not.to.include('compared with version 2')
  })

  it('misses a type that is declared no longer', async () => {
    await written(v1, on('things').event('Kept', 1, z.object({})))
    expect(await told(on('things').event('Kept', 1, z.object({})))).to.deep.equal([
      'Made v1 -: is no longer declared on things → declare it again: its events are in the log for ever, though nobody need emit it any more',
    ])
  })

  it('misses a topic that is declared no longer', async () => {
    await written(v1)
    expect((await told())[0]).to.match(/^Made v1 -: is no longer declared, nor is anything else on its topic things/)
  })

  it('refuses a type that moved to another topic', async () => {
    await written(v1)
    expect(await told(made(1, z.object({ size }), {}, 'others'))).to.deep.equal([
      'Made v1 -: is committed on things but declared on others → declare it on things again; for another topic declare a new type of event with another name',
    ])
  })

  it('names a file that is not JSON, and one of a strange name', async () => {
    await written(v1)
    cpSync(join(folder, 'things/Made.v1.json'), join(folder, 'things/made.json'))
    writeFileSync(join(folder, 'things/Made.v1.json'), '{')
    const all = (await told(v1)).join('\n')
    expect(all).to.include('things/made.json')
    expect(all).to.include('things/Made.v1.json is not JSON')
  })

  describe('and writing them', () => {
    it('never writes over a committed schema', async () => {
      await written(v1)
      const before = readFileSync(join(folder, 'things/Made.v1.json'), 'utf8')
      expect((await writeSchemas(source(made(1, z.object({ size: z.string() }))))).written).to.deep.equal([])
      expect(readFileSync(join(folder, 'things/Made.v1.json'), 'utf8')).to.equal(before)
    })

    it('writes nothing for a version that would be refused', async () => {
      await written(v1)
      const { written: files, problems } = await writeSchemas(source(made(2, z.object({}), { 1: lift })))
      expect(files).to.deep.equal([])
      expect(problems.map(({ what }) => what)).to.include('was required and is gone (compared with version 1)')
    })

    it('writes the others all the same', async () => {
      const { written: files, problems } = await writeSchemas(
        source(made(2, z.object({ size })), on('things').event('Kept', 1, z.object({}))),
      )
      expect(files).to.deep.equal(['things/Kept.v1.json'])
      expect(problems.map(({ type }) => type)).to.include('Made')
    })
  })

  describe('on the command line', () => {
    /** No view and no decider: those have tests of their own. */
    const nothingElse = async () => ({ folder, histories: new Map(), catalog: new Map(), subjects: [] })
    const run = async (what: 'check' | 'write', ...types: Declared) => {
      const said: string[] = []
      const { log, error } = console
      const exitCode = process.exitCode
      console.log = console.error = (line: string) => void said.push(line)
      try {
        process.exitCode = undefined
        await schemasCommand(source(...types), nothingElse).parseAsync([what], { from: 'user' })
        return { said: said.join('\n'), exitCode: process.exitCode ?? 0 }
      } finally {
        Object.assign(console, { log, error })
        process.exitCode = exitCode
      }
    }

    it('says that all is well', async () => {
      expect(await run('write', v1)).to.deep.include({ exitCode: 0 })
      expect(await run('check', v1)).to.deep.equal({
        said: '1 types of event agree with all their committed schemas, 0 views and states with their versions',
        exitCode: 0,
      })
    })

    it('fails with each problem and the way out', async () => {
      await written(v1)
      renameSync(join(folder, 'things'), join(folder, 'others'))
      const { said, exitCode } = await run('check', v1)
      expect(exitCode).to.equal(1)
      expect(said).to.match(/^Made v1: is committed on others but declared on things\n {2}→ declare it on others again/)
    })

    it('fails after writing what it could, when a problem is left', async () =>
      expect(await run('write', made(2, z.object({ size })))).to.deep.include({ exitCode: 1 }))
  })
})
