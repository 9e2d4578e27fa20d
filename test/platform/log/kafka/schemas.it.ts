import { randomUUID } from 'node:crypto'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { expect } from 'chai'
import { z } from 'zod'
import { type JsonSchema, jsonSchemaOf } from '#events/kit/json-schema.ts'
import { type CommittedSchema, schemaPath } from '#events/kit/schema-history.ts'
import { stream } from '#events/kit/stream.ts'
import { openRegistry } from '#platform/log/kafka/registry.ts'
import { asRegistered, ourSchemas, registerSchemas, registryWire } from '#platform/log/kafka/schemas.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { freePort } from '#test/kit/free-port.ts'
import { schemaRegistry } from '#test/kit/registry.ts'
import { vidwiz } from '#test/kit/run.ts'

const schemaOf = (shape: z.ZodType<object>): JsonSchema =>
  jsonSchemaOf(
    stream('thing', { topic: { name: 'things', partitions: 1 }, id: () => 1, key: () => 1 }).event('ThingMade', 1, shape),
  )
const made = (version: number, shape: z.ZodType<object>): CommittedSchema => ({
  topic: 'things',
  type: 'ThingMade',
  version,
  schema: schemaOf(shape),
})

const size = z.int().positive()
const v1 = made(1, z.object({ size }))
const v2 = made(2, z.object({ size, colour: z.string().optional() }))

describe('schemas in the registry', function () {
  this.timeout(60_000)
  let url: string
  /** Subjects of its own for each test. */
  let prefix: string
  const subject = () => `${prefix}things-ThingMade`
  const wire = (...schemas: CommittedSchema[]) => registryWire({ url, prefix, schemas })
  const refusal = async (...schemas: CommittedSchema[]): Promise<string> => {
    const error = await wire(...schemas).then(
      () => undefined,
      (error) => error,
    )
    expect(error).to.be.instanceOf(OperatorError)
    return error.message.replaceAll(prefix, '')
  }

  before(async function () {
    url = await schemaRegistry(this)
  })
  beforeEach(() => {
    prefix = `${randomUUID()}.`
  })

  it('are all registered at the start, each type under a subject of its own that is judged in both directions', async () => {
    const ours = await ourSchemas()
    const ids = await registerSchemas({ url, prefix, schemas: ours })
    expect([...ids.keys()].sort()).to.deep.equal(ours.map((s) => schemaPath(s.topic, s.type, s.version)).sort())
    const registry = openRegistry(url)
    const noteCreated = ours.find(({ type }) => type === 'NoteCreated')!
    const [held] = await registry.held(`${prefix}vidwiz.notes-NoteCreated`)
    expect(held!.schema).to.deep.equal(JSON.parse(asRegistered(noteCreated.schema)))
    expect(await registry.level(`${prefix}vidwiz.notes-NoteCreated`)).to.equal('FULL_TRANSITIVE')
  })

  it('are the same ones after another start, and of another process that starts together with this one', async () => {
    const options = { url, prefix, schemas: [v1] }
    const [one, other] = await Promise.all([registerSchemas(options), registerSchemas(options)])
    expect(one).to.deep.equal(other)
    expect(await registerSchemas(options)).to.deep.equal(one)
    expect(await openRegistry(url).held(subject())).to.have.length(1)
  })

  it("travel by their ids: Confluent's clients can read what is written, and the payload is there to the letter", async () => {
    const { encode, decode } = await wire(v1)
    const data = '{ "size" : 1e1,"more":"é\\u00e9 \\ud83d"}'
    const value = encode({ topic: 'things', type: 'ThingMade', schema: 1, data })
    expect(value[0]).to.equal(0)
    expect(value.toString('utf8', 5)).to.equal(data)
    expect(decode(value)).to.equal(data)
    expect(await new SchemaRegistry({ host: url }).decode(value)).to.deep.equal(JSON.parse(data))
  })

  it('may be missing: what was written before there was a registry is still read', async () => {
    const { decode } = await wire(v1)
    expect(decode(Buffer.from('{"size":1}'))).to.equal('{"size":1}')
  })

  it('stop a producer whose own is incompatible, with the difference named', async () => {
    await wire(v1)
    expect(await refusal(made(1, z.object({ size: z.string() })))).to.include(
      'things-ThingMade: v1 is not compatible with the registry: size type was "integer" and is "string" now (compared with version 1 there)',
    )
    expect(await refusal(made(1, z.object({ size, weight: z.int() })))).to.include('weight is new and required')
    expect(await refusal(made(1, z.object({})))).to.include('size was required and is gone')
    expect(await openRegistry(url).held(subject())).to.have.length(1)
  })

  it('stop it with all that is wrong at once', async () => {
    const named = (type: string, shape: z.ZodType<object>) => ({ ...made(1, shape), type })
    await wire(named('A', z.object({ size })), named('B', z.object({ size })))
    const told = await refusal(named('A', z.object({})), named('B', z.object({})))
    expect(told).to.match(/things-A: .*\n.*things-B: /s)
  })

  it('stop a producer that is behind: it knows no type with the field that the others have otherwise', async () => {
    await registerSchemas({ url, prefix, schemas: [v1, v2] }, { insist: true })
    const behind = made(2, z.object({ size, colour: z.int().optional() }))
    expect(await refusal(v1, behind)).to.include('colour type was "string" and is "integer" now (compared with version 2 there)')
  })

  it('gain an optional field by a command only: the registry by itself takes no field for harmless', async () => {
    await wire(v1)
    expect(await refusal(v1, v2)).to.include('`npx vidwiz schemas register` registers it')
    await registerSchemas({ url, prefix, schemas: [v1, v2] }, { insist: true })
    const registry = openRegistry(url)
    expect((await registry.held(subject())).map(({ version }) => version)).to.deep.equal([1, 2])
    expect(await registry.level(subject())).to.equal('FULL_TRANSITIVE')
    const { encode } = await wire(v1, v2)
    const ids = [1, 2].map((schema) => encode({ topic: 'things', type: 'ThingMade', schema, data: '{}' }).readUInt32BE(1))
    expect(ids[0]).not.to.equal(ids[1])
    await wire(v1) // the program of yesterday still starts
  })

  it('do not come in through the command when they are incompatible', async () => {
    await wire(v1)
    const wrong = { url, prefix, schemas: [v1, made(2, z.object({ size, weight: z.int() }))] }
    const error = await registerSchemas(wrong, { insist: true }).catch((error) => error)
    expect(error).to.be.instanceOf(OperatorError).with.property('message').that.includes('weight is new and required')
  })

  it('stop a producer when somebody lowered the level, and the command raises it again', async () => {
    await wire(v1)
    await openRegistry(url).setLevel(subject(), 'NONE')
    expect(await refusal(v1)).to.include('things-ThingMade has the compatibility level NONE, not FULL_TRANSITIVE')
    await registerSchemas({ url, prefix, schemas: [v1] }, { insist: true })
    await wire(v1)
  })

  it('stop a producer when the registry cannot be reached, without telling its password', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`
    const error = await registryWire({ url: `http://user:geheim@${nowhere}`, prefix, schemas: [v1] }).catch((error) => error)
    expect(error).to.be.instanceOf(OperatorError)
    expect(error.message).to.match(new RegExp(`^the schema registry at http://${nowhere} cannot be used: .*ECONNREFUSED`))
    expect(JSON.stringify([error.message, error.stack])).not.to.include('geheim')
  })

  it('are registered by a command of its own', async () => {
    const { code, stdout, stderr } = await vidwiz(['schemas', 'register'], { SCHEMA_REGISTRY_URL: url, KAFKA_PREFIX: prefix })
      .finished
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    expect(stdout).to.match(/^the registry knows all \d+ schemas\n$/)
  })

  it('stop the relay itself before it does anything else', async () => {
    const noteDeleted = (await ourSchemas()).find(({ type }) => type === 'NoteDeleted')!
    await wire({ ...noteDeleted, schema: schemaOf(z.object({ noteId: z.string() })) })
    const env = { KAFKA_BROKERS: `127.0.0.1:${await freePort()}`, SCHEMA_REGISTRY_URL: url, KAFKA_PREFIX: prefix }
    const { code, stderr } = await vidwiz(['run', 'relay'], env).finished
    expect(code).to.equal(1)
    expect(stderr).to.include(
      `${prefix}vidwiz.notes-NoteDeleted: v1 is not compatible with the registry: noteId type was "string"`,
    )
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('vidwiz: ')),
    ).to.equal(true)
  })
})
