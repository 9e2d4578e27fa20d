import { JsonText } from './json.ts'

const TOKEN = /"(?:[^"\\]+|\\.)*"|[,:]|[ \t\r\n]+/g
const BEYOND_ASCII = /[^\x20-\x7e]/g

/**
 * Writes JSON as Python's `json.dumps` does: a blank after `,` and `:`, nothing but ASCII. Of a `JsonText` numbers and the
 * order of keys are kept to the letter.
 *
 * @param value what `JSON.stringify` can write, or text that is JSON already
 */
export function pythonJson(value: unknown): string {
  const text = value instanceof JsonText ? value.text : JSON.stringify(value)
  return text.replace(TOKEN, (token) => {
    const first = token[0]!
    return first === '"' ? quoted(token) : first === ',' || first === ':' ? `${first} ` : ''
  })
}

/** What is escaped without need is first freed of that, so that a text has one form only. */
const quoted = (token: string): string =>
  (token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token).replace(BEYOND_ASCII, escaped)

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
