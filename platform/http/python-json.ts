import { endOfString, JsonText } from './json.ts'

const BEYOND_ASCII = /[^\x20-\x7e]/g

/**
 * Serializes JSON as Python's `json.dumps` does: a blank after `,` and `:`, only ASCII. Keeps the numbers and the order of keys of a
 * `JsonText` exactly.
 *
 * @param value a value for `JSON.stringify`, or text that is JSON already
 */
export function pythonJson(value: unknown): string {
  const text = value instanceof JsonText ? value.text : JSON.stringify(value)
  const written: string[] = []
  let start = 0
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', start)) {
    const end = endOfString(text, at) + 1
    written.push(spaced(text.slice(start, at)), quoted(text.slice(at, end)))
    start = end
  }
  return written.join('') + spaced(text.slice(start))
}

const BLANKS = /[ \t\r\n]+/

/** Spaces the text between strings. Uses built-in string functions for speed: a list may have millions of numbers. */
function spaced(signs: string): string {
  const dense = BLANKS.test(signs) ? signs.split(BLANKS).join('') : signs
  return dense.length === 1 && dense !== ',' && dense !== ':' ? dense : dense.replaceAll(',', ', ').replaceAll(':', ': ')
}

/** Removes needless escapes first, so that equal strings have one form. */
const quoted = (token: string): string => {
  const plain = token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token
  return plain.search(BEYOND_ASCII) < 0 ? plain : plain.replace(BEYOND_ASCII, escaped)
}

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
