import { expect } from 'chai'
import fc from 'fast-check'
import { fields, openLines } from '#platform/log/postgres/copy-lines.ts'

/** Writes a field as Postgres does in its CSV format. */
const written = (field: string) =>
  ['\x01', '\x02', '\n', '\r'].some((char) => field.includes(char)) || field === ''
    ? `\x01${field.replaceAll('\x01', '\x01\x01')}\x01`
    : field

const anyField = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.json(),
  fc.string({ unit: fc.constantFrom('\x01', '\x02', '\n', '\r', '"', '\\', 'a', 'é', '😀') }),
)

describe("COPY's lines", () => {
  it('are cut into the fields that were written, wherever the chunks end', () =>
    fc.assert(
      fc.property(
        fc.array(fc.array(anyField, { minLength: 2, maxLength: 4 }), { maxLength: 8 }),
        fc.array(fc.nat(200), { maxLength: 12 }),
        (rows, cuts) => {
          const bytes = Buffer.from(rows.map((row) => `${row.map(written).join('\x02')}\n`).join(''))
          const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
          const lines = openLines()
          const read = ends.flatMap((end, i) => lines.in(bytes.subarray(ends[i - 1] ?? 0, end)))
          expect(read.map(fields)).to.deep.equal(rows)
        },
      ),
      { numRuns: 500 },
    ))
})
