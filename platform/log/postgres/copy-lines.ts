// COPY's CSV format with a delimiter and a quote that JSON text never contains: almost no field is quoted, so that a line is a field
// list that only needs to be split. Its text format would escape every backslash of JSON.
// Source: PostgreSQL documentation, COPY, "CSV Format".

const DELIMITER = '\x02'
const QUOTE = '\x01'
const NEWLINE = 10

/** The options of a COPY whose output `openLines` reads. */
export const COPY_FORMAT = String.raw`(format csv, delimiter e'\x02', quote e'\x01')`

/** Cuts COPY's output into lines. */
export interface Lines {
  /** The lines that end in this chunk. A field that is quoted is still quoted. */
  in(chunk: Buffer): string[]
}

export function openLines(): Lines {
  /** The beginning of a line whose end has not come yet. */
  let begun: Buffer[] = []
  return {
    in(chunk) {
      const end = chunk.lastIndexOf(NEWLINE)
      if (end < 0) {
        begun.push(chunk)
        return []
      }
      begun.push(chunk.subarray(0, end))
      const text = (begun.length === 1 ? begun[0]! : Buffer.concat(begun)).toString()
      begun = [chunk.subarray(end + 1)]
      const lines = text.split('\n')
      if (!text.includes(QUOTE)) return lines
      const whole = joined(lines)
      // The last line is only the beginning of a quoted field with a line break.
      const open = whole.at(-1)!
      if (isOpen(open)) begun.unshift(Buffer.from(`${whole.pop()}\n`))
      return whole
    },
  }
}

/** True when a quote is open at the end of the line, so that its next line belongs to it. */
const isOpen = (line: string) => line.split(QUOTE).length % 2 === 0

/** Joins lines that a quoted line break separates. */
function joined(lines: readonly string[]): string[] {
  const whole: string[] = []
  for (const line of lines) {
    if (whole.length > 0 && isOpen(whole.at(-1)!)) whole.push(`${whole.pop()}\n${line}`)
    else whole.push(line)
  }
  return whole
}

const QUOTED = new RegExp(`${QUOTE}((?:[^${QUOTE}]|${QUOTE}${QUOTE})*)${QUOTE}|([^${DELIMITER}]*)`, 'gy')

/** The fields of a line. */
export function fields(line: string): string[] {
  if (!line.includes(QUOTE)) return line.split(DELIMITER)
  const found: string[] = []
  for (let at = 0; at <= line.length; at = QUOTED.lastIndex + 1) {
    QUOTED.lastIndex = at
    const [, quoted, plain] = QUOTED.exec(line)!
    found.push(quoted === undefined ? plain! : quoted.replaceAll(QUOTE + QUOTE, QUOTE))
  }
  return found
}
