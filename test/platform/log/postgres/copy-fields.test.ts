import { expect } from 'chai'
import fc from 'fast-check'
import { Fields, openRows } from '#platform/log/postgres/copy-fields.ts'

/** Writes a field as Postgres does in its CSV format. */
const written = (field: string | number) =>
  typeof field === 'string' && (['\x01', '\x02', '\n', '\r'].some((char) => field.includes(char)) || field === '')
    ? `\x01${field.replaceAll('\x01', '\x01\x01')}\x01`
    : String(field)

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.json(),
  fc.string({ unit: fc.constantFrom('\x01', '\x02', '\n', '\r', '"', '\\', 'a', 'é', '😀') }),
)

describe("COPY's output", () => {
  it('is read as the fields that were written, wherever the chunks end', () =>
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.oneof(anyText, fc.maxSafeNat()), { minLength: 2, maxLength: 4 }), { maxLength: 8 }),
        fc.array(fc.nat(200), { maxLength: 12 }),
        (rows, cuts) => {
          const bytes = Buffer.from(rows.map((row) => `${row.map(written).join('\x02')}\n`).join(''))
          const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
          const cut = openRows()
          const expected = rows.flat()
          const isLast = rows.flatMap((row) => row.map((_, i) => i === row.length - 1))
          const read: (string | number)[] = []
          for (const [i, end] of ends.entries()) {
            const fields = new Fields(cut.in(bytes.subarray(ends[i - 1] ?? 0, end)))
            while (!fields.isAtEnd) {
              const field = expected[read.length]
              read.push(typeof field === 'number' ? fields.number() : isLast[read.length] ? fields.last() : fields.text())
            }
          }
          expect(read).to.deep.equal(expected)
        },
      ),
      { numRuns: 500 },
    ))
})
