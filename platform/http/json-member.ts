import { endOfString } from './json.ts'

/**
 * The text of a member of a JSON object as it was sent, but for blanks between its parts: numbers of any size and the order
 * of keys survive, which parsing would lose.
 *
 * @param json an object, known to be well-formed
 * @param key of the last member by this name, as when parsed
 * @returns undefined when the object has no such member
 */
export function memberText(json: string, key: string): string | undefined {
  let found: string | undefined
  let at = json.indexOf('{') + 1
  while (true) {
    at = afterBlanks(json, at)
    if (json[at] === ',') at = afterBlanks(json, at + 1)
    if (json[at] !== '"') return found === undefined ? undefined : compact(found)
    const endOfKey = endOfString(json, at) + 1
    const name = JSON.parse(json.slice(at, endOfKey))
    const start = afterBlanks(json, afterBlanks(json, endOfKey) + 1)
    at = endOfValue(json, start)
    if (name === key) found = json.slice(start, at)
  }
}

const isBlank = (c: string | undefined) => c === ' ' || c === '\n' || c === '\t' || c === '\r'

function afterBlanks(json: string, start: number): number {
  let at = start
  while (isBlank(json[at])) at++
  return at
}

function endOfValue(json: string, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    const c = json[at]!
    if (c === '"') at = endOfString(json, at)
    else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') {
      if (depth === 0) return at
      if (--depth === 0) return at + 1
      continue
    } else if (depth === 0 && (c === ',' || isBlank(c))) return at
    if (depth === 0 && c === '"') return at + 1
  }
  return json.length
}

/** Without blanks outside of strings. */
function compact(json: string): string {
  let text = ''
  let kept = 0
  for (let at = 0; at < json.length; at++) {
    if (json[at] === '"') at = endOfString(json, at)
    else if (isBlank(json[at])) {
      text += json.slice(kept, at)
      at = afterBlanks(json, at) - 1
      kept = at + 1
    }
  }
  return text + json.slice(kept)
}
