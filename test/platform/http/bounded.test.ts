import { expect } from 'chai'
import fc from 'fast-check'
import { z } from 'zod'
import { dictionary, list } from '#platform/http/bounded.ts'
import { MAX_PROBLEMS } from '#platform/http/problems.ts'
import { validate, validateLong } from '#platform/http/run.ts'

/** The problems of a body, as they go out. */
const problemsIn = (schema: z.ZodType, body: unknown): { field: string; type: string }[] => {
  const { error } = validate({ body: schema }, { params: undefined, query: undefined, body })
  return (error?.body as { error: { details: [] } } | undefined)?.error.details ?? []
}

describe('a list in a body', () => {
  it('says what a list of zod says, of anything that is small', () => {
    const [ours, zods] = [list, z.array as typeof list].map((of) =>
      z.object({ rows: of(z.object({ n: z.number(), t: z.string().optional() })).nullish() }),
    )
    const row = fc.record({ n: fc.oneof(fc.integer(), fc.string()), t: fc.oneof(fc.string(), fc.constant(undefined)) })
    const rows = fc.oneof(fc.array(fc.oneof(row, fc.jsonValue()), { maxLength: 5 }), fc.jsonValue(), fc.constant(undefined))
    fc.assert(
      fc.property(rows, (rows) => {
        expect(problemsIn(ours!, { rows })).to.deep.equal(problemsIn(zods!, { rows }))
        expect(ours!.safeParse({ rows }).data).to.deep.equal(zods!.safeParse({ rows }).data)
      }),
    )
    expect(problemsIn(z.object({ rows: list(z.string()) }), {})).to.deep.equal(
      problemsIn(z.object({ rows: z.array(z.string()) }), {}),
    )
  })

  it('is looked at no further than its problems are told', () => {
    let looks = 0
    const item = z.unknown().refine((value) => {
      looks++
      return value !== 1
    })
    const ones = Array.from({ length: 100_000 }, () => 1)
    expect(problemsIn(z.object({ rows: list(item) }), { rows: ones })).to.have.length(MAX_PROBLEMS)
    expect(looks).to.equal(MAX_PROBLEMS)
    expect(
      problemsIn(
        list(list(item)),
        Array.from({ length: 100 }, () => ones),
      ),
    ).to.have.length(MAX_PROBLEMS)
    expect(looks, 'of lists in a list').to.equal(2 * MAX_PROBLEMS)
  })

  it('is looked at no further than it may be long', () => {
    let looks = 0
    const item = z.unknown().refine(() => ++looks > 0)
    const fewest = list(item, { min: 2, max: 3 })
    expect(problemsIn(fewest, Array(100_000).fill(0))).to.have.length(1)
    expect(looks).to.be.at.most(4)
    expect(problemsIn(fewest, [0])).to.have.length(1)
    expect(problemsIn(fewest, [0, 0])).to.deep.equal([])
  })

  it('lets others have their turn when it is long', async () => {
    let turns = 0
    let seenBy = 0
    const watch = () => {
      turns++
      if (seenBy < ITEMS) setImmediate(watch)
    }
    const ITEMS = 5000
    const slow = z.unknown().refine(() => {
      const until = performance.now() + 0.02
      while (performance.now() < until);
      return ++seenBy > 0
    })
    setImmediate(watch)
    const rows = Array.from({ length: ITEMS }, (_, n) => n)
    const { input } = await validateLong(
      { body: z.object({ rows: list(slow) }) },
      { params: undefined, query: undefined, body: { rows } },
    )
    expect((input.body as { rows: unknown }).rows, 'the very list').to.equal(rows)
    expect(turns).to.be.at.least(3)
  })

  it('says the same whether others get their turn or not', async () => {
    const row = z.union([z.object({ n: z.number().default(1) }), z.string().transform((text) => text.length)])
    const schema = z.object({ rows: list(row, { max: 3000 }).refine((rows) => rows[0] !== 3, 'not three') })
    const items = fc.constantFrom({}, { n: 2 }, 'abc', 'de', 5, null)
    await fc.assert(
      fc.asyncProperty(
        fc.array(items, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 1000 }),
        async (some, times) => {
          const raw = { params: undefined, query: undefined, body: { rows: Array.from({ length: times }, () => some).flat() } }
          const [long, short] = [await validateLong({ body: schema }, raw), validate({ body: schema }, raw)]
          expect([long.error?.body, long.input, long.isOnlyBodyInvalid]).to.deep.equal([
            short.error?.body,
            short.input,
            short.isOnlyBodyInvalid,
          ])
        },
      ),
      { numRuns: 40 },
    )
  })

  it('describes itself as a list', () => {
    expect(z.toJSONSchema(list(z.string(), { min: 1, max: 3 }))).to.deep.include({
      type: 'array',
      items: { type: 'string' },
      minItems: 1,
      maxItems: 3,
    })
    const described = z.toJSONSchema(z.object({ a: list(dictionary()) }), { io: 'input', unrepresentable: 'any' })
    expect(described).to.deep.include({ required: ['a'] })
    expect(described).to.have.nested.property('properties.a.items.type', 'object')
  })
})

describe('a dictionary in a body', () => {
  it('says what a dictionary of zod says, and is taken as it is', () => {
    const [ours, zods] = [dictionary(), z.record(z.string(), z.unknown())].map((rows) => z.object({ rows }))
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.constant(undefined)), (rows) => {
        expect(problemsIn(ours!, { rows })).to.deep.equal(problemsIn(zods!, { rows }))
      }),
    )
    const given = JSON.parse('{"__proto__":1,"b":2}')
    expect(dictionary().parse(given)).to.equal(given)
  })
})
