import { expect } from 'chai'
import { z } from 'zod'
import { NOT_JSON } from '#platform/http/body.ts'
import type { HttpError, Problem } from '#platform/http/errors.ts'
import { boolean, integer, rule, text } from '#platform/http/fields.ts'
import { validate } from '#platform/http/run.ts'

const nothing = { params: undefined, query: undefined, body: undefined }
const problems = (error: HttpError | undefined): Problem[] =>
  (error?.body as { error: { details: Problem[] } } | undefined)?.error.details ?? []

/** The problem of a body's only field, or what was made of it. */
const inBody = (schema: z.ZodType, value: unknown) => {
  const { input, error } = validate(
    { body: z.object({ f: schema }) },
    { ...nothing, body: value === undefined ? {} : { f: value } },
  )
  const [problem] = problems(error)
  return problem ? [problem.field, problem.type, problem.message] : (input.body as { f: unknown }).f
}
const inQuery = (schema: z.ZodType, value: string) => {
  const { input, error } = validate({ query: z.object({ f: schema }) }, { ...nothing, query: { f: value } })
  return problems(error)[0]?.type ?? (input.query as { f: unknown }).f
}

describe('what is wrong with a request', () => {
  it('is said in the words of Pydantic', () => {
    expect(inBody(text(), undefined)).to.deep.equal(['body.f', 'missing', 'Field required'])
    expect(inBody(text(), 1)).to.deep.equal(['body.f', 'string_type', 'Input should be a valid string'])
    expect(inBody(text(), null)).to.deep.equal(['body.f', 'string_type', 'Input should be a valid string'])
    expect(inBody(text({ min: 7 }), 'short')).to.deep.equal([
      'body.f',
      'string_too_short',
      'String should have at least 7 characters',
    ])
    expect(inBody(text({ min: 1 }), '')).to.deep.equal(['body.f', 'string_too_short', 'String should have at least 1 character'])
    expect(inBody(text({ max: 3 }), 'long')).to.deep.equal([
      'body.f',
      'string_too_long',
      'String should have at most 3 characters',
    ])
    expect(inBody(z.array(z.string()), 'x')).to.deep.equal(['body.f', 'list_type', 'Input should be a valid list'])
    expect(inBody(z.array(z.string()), ['x', 1])).to.deep.equal(['body.f.1', 'string_type', 'Input should be a valid string'])
    expect(inBody(z.record(z.string(), z.unknown()), [])).to.deep.equal([
      'body.f',
      'dict_type',
      'Input should be a valid dictionary',
    ])
    expect(
      inBody(
        z.string().refine(() => false, rule('no')),
        'x',
      ),
    ).to.deep.equal(['body.f', 'value_error', 'Value error, no'])
  })

  it('counts code points', () => {
    expect(inBody(text({ min: 2, max: 2 }), '😀😀')).to.equal('😀😀')
    expect(inBody(text({ max: 100 }), 'é'.repeat(100))).to.be.a('string')
    expect(inBody(text({ min: 2 }), '😀')).to.include('string_too_short')
    expect(inBody(text({ max: 2 }), '😀😀😀')).to.include('string_too_long')
  })

  it('includes text that no database keeps', () => {
    for (const bad of ['a\0', '\ud800'])
      expect(inBody(text({ min: 5 }), bad)).to.deep.equal([
        'body.f',
        'value_error',
        'Value error, text must not contain NUL or half of a surrogate pair',
      ])
  })

  it('does not include the many ways to say yes or no', () => {
    for (const yes of [true, 1, 'true', 'T', 'YES', 'y', 'On', '1']) expect(inBody(boolean(), yes), String(yes)).to.equal(true)
    for (const no of [false, 0, 'False', 'f', 'no', 'N', 'OFF', '0']) expect(inBody(boolean(), no), String(no)).to.equal(false)
    for (const bad of ['', ' true', 'maybe', 2, -1, '1.0'])
      expect(inBody(boolean(), bad), String(bad)).to.deep.equal([
        'body.f',
        'bool_parsing',
        'Input should be a valid boolean, unable to interpret input',
      ])
    for (const bad of [[], {}, 1.5, null])
      expect(inBody(boolean(), bad)).to.deep.equal(['body.f', 'bool_type', 'Input should be a valid boolean'])
    expect(inBody(boolean(), undefined)).to.deep.equal(['body.f', 'missing', 'Field required'])
    expect(inBody(boolean().nullish(), null)).to.equal(null)
  })

  it('does not include the many ways to write a whole number', () => {
    for (const five of ['5', '+5', '005', '5.0', '5.000', ' 5\n', '0_5']) expect(inQuery(integer(), five), five).to.equal(5)
    expect(inQuery(integer(), '-1_000')).to.equal(-1000)
    for (const bad of ['', '1e1', '1.5', 'x', '5_', '_5', '5__5', '٣', '0x5', '5.', '--5'])
      expect(inQuery(integer(), bad), bad).to.equal('int_parsing')
    expect(inQuery(integer(), '9'.repeat(500))).to.equal(Number.MAX_SAFE_INTEGER)
    expect(inQuery(integer({ min: 1 }), '0')).to.equal('greater_than_equal')
    expect(inQuery(integer({ max: 50 }), '51')).to.equal('less_than_equal')
    const { error } = validate({ params: z.object({ n: integer({ min: 1 }) }) }, { ...nothing, params: { n: '-0_9' } })
    expect(problems(error)).to.deep.equal([
      { field: 'path.n', message: 'Input should be greater than or equal to 1', type: 'greater_than_equal' },
    ])
  })

  it('is about the body as a whole when that is no object', () => {
    const ofBody = (body: unknown) => problems(validate({ body: z.object({ f: z.string() }) }, { ...nothing, body }).error)
    for (const none of [undefined, null])
      expect(ofBody(none)).to.deep.equal([{ field: 'body', message: 'Field required', type: 'missing' }])
    for (const other of [[], 'x', 1, true, NOT_JSON])
      expect(ofBody(other)).to.deep.equal([
        {
          field: 'body',
          message: 'Input should be a valid dictionary or object to extract fields from',
          type: 'model_attributes_type',
        },
      ])
  })

  it('names each unknown key where none is allowed', () => {
    const { error } = validate(
      { body: z.strictObject({ f: z.string() }) },
      { ...nothing, body: JSON.parse('{"x":1,"__proto__":2}') },
    )
    expect(problems(error).map(({ field, type }) => [field, type])).to.deep.equal([
      ['body.f', 'missing'],
      ['body.x', 'extra_forbidden'],
      ['body.__proto__', 'extra_forbidden'],
    ])
  })

  it('is told once per field, for path, query and body in this order', () => {
    const { error } = validate(
      {
        params: z.object({ id: integer({ min: 1 }) }),
        query: z.object({ page: integer({ min: 1 }).default(1) }),
        body: z.object({ a: text({ min: 2 }).refine(() => false, rule('never')), b: text() }),
      },
      { params: { id: 'x' }, query: { page: '0' }, body: { a: 'x' } },
    )
    expect(problems(error).map(({ field, type }) => [field, type])).to.deep.equal([
      ['path.id', 'int_parsing'],
      ['query.page', 'greater_than_equal'],
      ['body.a', 'string_too_short'],
      ['body.b', 'missing'],
    ])
  })

  it('leaves schemas that describe themselves', () => {
    const schema = z.object({
      t: text({ min: 2, max: 100 }),
      b: boolean().nullish(),
      n: integer({ min: 1, max: 50 }).default(10),
    })
    const { properties, required } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
    expect(required).to.deep.equal(['t'])
    expect(properties).to.deep.equal({
      t: { type: 'string', minLength: 2, maxLength: 100 },
      b: { type: ['boolean', 'null'] },
      n: { type: 'integer', minimum: 1, maximum: 50 },
    })
  })
})
