import { expect } from 'chai'
import fc from 'fast-check'
import { z } from 'zod'
import { catalog } from '#events/catalog.ts'
import { catalogOf, decode, EventError, type EventErrorCode } from '#events/kit/codec.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { stream } from '#events/kit/stream.ts'
import { anyEvent, anyOf, anyText, everyType, noteCreated, userRegistered } from '#test/kit/histories.ts'
import { recordedAs } from '#test/kit/world.ts'

const failure = (read: () => unknown): EventError => {
  try {
    read()
  } catch (error) {
    expect(error).to.be.instanceOf(EventError)
    return error as EventError
  }
  return expect.fail('it was read')
}

const refuses = (recorded: Recorded, code: EventErrorCode) => expect(failure(() => decode(catalog, recorded)).code).to.equal(code)

describe('the catalogue', () => {
  it('refuses two types with one name', () => expect(() => catalogOf([everyType[0]!, everyType[0]!])).to.throw('share a name'))
})

describe('reading an event back', () => {
  for (const type of everyType)
    it(`gives the ${type.type} that was written`, () =>
      fc.assert(
        fc.property(anyOf(type), (event) => {
          const recorded = recordedAs(event, { pos: 9, version: 4, actor: 'user-1' })
          expect(decode(catalog, recorded)).to.deep.equal({ ...recorded, data: event.data })
        }),
      ))

  it('passes over fields it does not know', () => {
    const data = JSON.stringify({ ...noteCreated().data, colour: 'red' })
    expect(decode(catalog, { ...recordedAs(noteCreated()), data }).data).to.deep.equal(noteCreated().data)
  })

  it('refuses a type it does not know', () => refuses({ ...recordedAs(noteCreated()), type: 'NoteSung' }, 'UNKNOWN_TYPE'))
  it('refuses a payload that is not JSON', () => refuses({ ...recordedAs(noteCreated()), data: '{"noteId":' }, 'BROKEN_PAYLOAD'))
  it('refuses a payload of another shape', () =>
    refuses({ ...recordedAs(noteCreated()), data: '{"noteId":"one"}' }, 'BROKEN_PAYLOAD'))
  for (const schema of [2, 0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    it(`refuses schema version ${schema}`, () => refuses({ ...recordedAs(noteCreated()), schema }, 'UNKNOWN_SCHEMA'))

  it('says where the event is and which fields are broken', () => {
    const data = JSON.stringify({ ...userRegistered().data, email: 1, name: ['x'] })
    const { message } = failure(() => decode(catalog, { ...recordedAs(userRegistered(), { version: 3 }), data }))
    expect(message).to.equal('user-1@3: UserRegistered v1: email invalid_type, name invalid_type')
  })

  it('never quotes a payload, broken as it may be', () => {
    for (const data of ['my secret', '"my secret"', '{"userId":"my secret"}', '{"email":["my secret"]}'])
      expect(failure(() => decode(catalog, { ...recordedAs(userRegistered()), data })).message).not.to.include('my secret')
  })

  it('fails in no other way, whatever is in the log', () => {
    const anyType = fc.oneof(fc.constantFrom(...catalog.keys()), fc.constantFrom('', 'constructor', '__proto__'), anyText)
    const anyData = fc.oneof(
      fc.json(),
      anyText,
      anyEvent.map((event) => JSON.stringify(event.data)),
      fc.constant('['.repeat(100_000)),
    )
    const anySchema = fc.oneof(fc.constant(1), fc.integer(), fc.double())
    const garbage = fc.record({ event: anyEvent, type: anyType, data: anyData, schema: anySchema })
    let refused = 0
    fc.assert(
      fc.property(garbage, ({ event, ...broken }) => {
        try {
          decode(catalog, { ...recordedAs(event), ...broken })
        } catch (error) {
          refused++
          expect(error).to.be.instanceOf(EventError)
        }
      }),
      { numRuns: 1000 },
    )
    expect(refused).to.be.greaterThan(100)
  })
})

describe('lifting an event of an older schema version', () => {
  const things = stream<{ id: number }>('thing', { topic: { name: 'things', partitions: 1 }, id: (e) => e.id, key: (e) => e.id })
  const shape = z.object({ id: z.int(), size: z.string().optional(), colour: z.string().optional() })
  const Made = things.event('Made', 3, shape, {
    1: (older: object) => ({ ...older, size: 'medium' }),
    2: (older: { size?: string }) => ({ ...older, colour: older.size === 'medium' ? 'grey' : 'red' }),
  })
  const written = (schema: number, data: object): Recorded => ({
    ...recordedAs(Made({ id: 1 })),
    schema,
    data: JSON.stringify(data),
  })
  const read = (schema: number, data: object, made = Made) => decode(catalogOf([made]), written(schema, data))

  it('goes from version to version', () =>
    expect(read(1, { id: 1 }).data).to.deep.equal({ id: 1, size: 'medium', colour: 'grey' }))
  it('begins at the version it was written in', () =>
    expect(read(2, { id: 1, size: 'big' }).data).to.deep.equal({ id: 1, size: 'big', colour: 'red' }))
  it('leaves the newest as it is', () => expect(read(3, { id: 1 }).data).to.deep.equal({ id: 1 }))
  it('still tells in which version it was written', () => expect(read(1, { id: 1 }).schema).to.equal(1))

  it('refuses a version from which no way leads up', () => {
    const gap = things.event('Made', 3, shape, { 1: (older) => older })
    expect(failure(() => read(1, { id: 1 }, gap))).to.include({
      code: 'UNKNOWN_SCHEMA',
      message: 'thing-1@1: Made cannot be lifted from schema version 2',
    })
  })

  it('checks what came out', () => {
    const careless = things.event('Made', 2, shape, { 1: () => ({ id: 'one' }) })
    expect(failure(() => read(1, { id: 1 }, careless)).code).to.equal('BROKEN_PAYLOAD')
  })

  it('takes an upcast that stumbles for a broken payload, and does not quote what it stumbled over', () => {
    const clumsy = things.event('Made', 2, shape, {
      1: (older: { size: string }) => {
        throw new Error(`what is ${older.size}?`)
      },
    })
    const error = failure(() => read(1, { id: 1, size: 'my secret' }, clumsy))
    expect(error.code).to.equal('BROKEN_PAYLOAD')
    expect(error.message).not.to.include('my secret')
  })
})
