import fc from 'fast-check'

const { constantFrom, constant, oneof, integer, array, tuple, option, string } = fc

/** Undefined once in `freq` times. */
export const sometimes = <T>(arbitrary: fc.Arbitrary<T>, freq = 4) => option(arbitrary, { nil: undefined, freq })

const anyText = oneof(
  string(),
  string({ unit: 'binary' }),
  // No database keeps these.
  { weight: 3, arbitrary: constantFrom('1:23\0', '1:23\ud800', 'a\udc00b') },
  constantFrom('', ' ', '😀', '%', '\\', "'", '"', '\u2028', '1:23', 'true', '__proto__', 'constructor'),
  constantFrom(
    'a@b.co',
    'A@b',
    '<a@b.co>',
    '<<<<@>>>>',
    `${'a'.repeat(5000)}@b.co`,
    '"'.repeat(2000),
    `${'('.repeat(1000)}@b.co`,
  ),
  constantFrom('x'.repeat(100_000), ':'.repeat(50_000), '1'.repeat(100_000), 'é'.repeat(101), '\u0300'.repeat(1000)),
)
const anyNumber = constantFrom(
  '0',
  '-0',
  '-1',
  '1.5',
  '1e400',
  '-1e-400',
  '9007199254740993',
  '1'.repeat(400),
  'NaN',
  '-Infinity',
  '01',
  '+1',
)
const nested = tuple(constantFrom('[', '{"a":'), constantFrom(10, 900, 1001, 50_000)).map(
  ([opening, depth]) => opening.repeat(depth) + (opening === '[' ? ']' : '0}').repeat(depth),
)
/** JSON text, or what looks like it. */
export const anyJson: fc.Arbitrary<string> = oneof(
  { weight: 3, arbitrary: anyText.map((text) => JSON.stringify(text)) },
  anyNumber,
  constantFrom(
    'null',
    'true',
    'false',
    '[]',
    '{}',
    '""',
    '{"toString":1}',
    '[[]]',
    '"\\u0000"',
    '"\\ud800"',
    "'x'",
    'nul',
    '"',
    '{',
    '[1,',
  ),
  nested,
  fc.json(),
)

/** @param anyObject JSON text that some route might read */
export const anyBody = (anyObject: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  oneof(
    { weight: 6, arbitrary: anyObject.map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: anyJson.map((text) => Buffer.from(text)) },
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    tuple(anyObject, fc.nat(), integer({ min: 0x80, max: 0xff })).map(([text, at, byte]) => {
      const bytes = Buffer.from(text)
      bytes[at % bytes.length] = byte
      return bytes
    }),
    constantFrom(
      Buffer.alloc(0),
      Buffer.from('\ufeff{}'),
      Buffer.from('a=1&b=2'),
      Buffer.from(`{"text":"${'x'.repeat(1_000_000)}"}`),
    ),
    constant(Buffer.from(`{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":0`)}}`)),
  )

/** What gets into a path or query and should not. */
export const piece = oneof(
  constantFrom(
    '%',
    '%%',
    '%zz',
    '%00',
    '%0A',
    '%ff',
    '%C3%28',
    '%2e%2e',
    '%2F',
    '..',
    '//',
    '\\',
    ';',
    '*',
    ':',
    '@',
    '[',
    '|',
    '^',
    '"',
  ),
  constantFrom(
    '%F0%9F%98%80',
    '%ED%A0%80',
    '\xe9',
    '\x7f',
    '\t',
    '#',
    '?',
    '&',
    '=',
    '+',
    '9'.repeat(400),
    '-1',
    '1e9',
    '%20',
    'x'.repeat(3000),
  ),
  string({ maxLength: 5 }).map(encodeURIComponent),
)
/** @param names that some route reads */
export const anyQuery = (names: readonly string[]) =>
  array(
    tuple(
      constantFrom(...names, '__proto__', 'constructor', 'x', ''),
      oneof(piece, constantFrom('1', '0', '51', 'title_asc', 'TITLE', '100%25', '%25%25', "'", '1_0', '1.0', ' 1')),
    ),
    { maxLength: 4 },
  ).map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join('&'))
