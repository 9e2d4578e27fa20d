// COPY's CSV format with a delimiter and a quote that JSON text never contains: almost no field is quoted. Its text format would
// escape every backslash of JSON.
// Source: PostgreSQL documentation, COPY, "CSV Format".

const QUOTE = 1
const DELIMITER = 2
const NEWLINE = 10
const ZERO = '0'.charCodeAt(0)
const QUOTE_TEXT = '\x01'

/** The options of a COPY whose output is read here. */
export const COPY_FORMAT = String.raw`(format csv, delimiter e'\x02', quote e'\x01')`

/** Cuts COPY's output where rows end. */
export interface Rows {
  /** The text of the rows that end in this chunk. */
  in(chunk: Buffer): string
}

export function openRows(): Rows {
  /** The beginning of a row whose end has not come yet. */
  let begun: Buffer[] = []
  return {
    in(chunk) {
      begun.push(chunk)
      if (!chunk.includes(NEWLINE)) return ''
      const bytes = begun.length === 1 ? chunk : Buffer.concat(begun)
      const end = endOfRows(bytes)
      begun = end < bytes.length ? [bytes.subarray(end)] : []
      return bytes.toString('utf8', 0, end)
    },
  }
}

/** Where the last whole row ends. A line break between quotes does not end a row. */
function endOfRows(bytes: Buffer): number {
  if (!bytes.includes(QUOTE)) return bytes.lastIndexOf(NEWLINE) + 1
  let end = 0
  let isQuoted = false
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === QUOTE) isQuoted = !isQuoted
    else if (bytes[i] === NEWLINE && !isQuoted) end = i + 1
  }
  return end
}

/**
 * Reads the fields of whole rows, one after another. Splitting each row into an array of texts took twice as long.
 */
export class Fields {
  readonly #rows: string
  #at = 0

  constructor(rows: string) {
    this.#rows = rows
  }

  /** Whether another field follows. */
  get isAtEnd(): boolean {
    return this.#at >= this.#rows.length
  }

  /** The next field, a whole number from 0. */
  number(): number {
    const rows = this.#rows
    let at = this.#at
    let n = 0
    for (let char = rows.charCodeAt(at); char >= ZERO; char = rows.charCodeAt(++at)) n = n * 10 + (char - ZERO)
    this.#at = at + 1
    return n
  }

  /** The next field. A substring: it keeps the text of all rows in memory for as long as it lives. */
  text(): string {
    const rows = this.#rows
    const from = this.#at
    if (rows.charCodeAt(from) === QUOTE) return this.#quoted()
    let at = from
    for (let char = rows.charCodeAt(at); char !== DELIMITER && char !== NEWLINE; char = rows.charCodeAt(++at));
    this.#at = at + 1
    return rows.slice(from, at)
  }

  /** The last field of its row. As `text`, but as fast for long fields as for short ones. */
  last(): string {
    const rows = this.#rows
    const from = this.#at
    if (rows.charCodeAt(from) === QUOTE) return this.#quoted()
    const end = rows.indexOf('\n', from)
    this.#at = end + 1
    return rows.slice(from, end)
  }

  #quoted(): string {
    const rows = this.#rows
    const from = this.#at + 1
    let end = rows.indexOf(QUOTE_TEXT, from)
    // A quote within the field is written twice.
    while (rows.charCodeAt(end + 1) === QUOTE) end = rows.indexOf(QUOTE_TEXT, end + 2)
    this.#at = end + 2
    return rows.slice(from, end).replaceAll(QUOTE_TEXT + QUOTE_TEXT, QUOTE_TEXT)
  }
}
