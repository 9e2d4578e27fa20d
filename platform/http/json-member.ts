import { breather } from '../breather.ts'

/** Bytes walked between two pauses; a step takes a fraction of a millisecond. */
const STEP = 64 * 1024

/**
 * The text of a member of a JSON object as it was sent, without the blanks between its parts: keeps numbers of any size and the
 * order of keys, which parsing would lose. Lets other requests run meanwhile.
 *
 * @param json a JSON object in UTF-8, known to be well-formed
 * @param key name of the member; of repeated keys the last wins, as in JSON.parse
 * @param pause awaited after each step
 * @returns undefined when the object has no such member
 */
export async function memberOf(json: Buffer, key: string, pause: Pause = breather()): Promise<Buffer | undefined> {
  let found: { start: number; end: number; blanks: number } | undefined
  let at = json.indexOf(OPEN_DICTIONARY) + 1
  while (true) {
    at = afterBlanks(json, at)
    if (json[at] === COMMA) at = afterBlanks(json, at + 1)
    if (json[at] !== QUOTE) break
    const endOfKey = afterString(json, at)
    const name = JSON.parse(json.toString('utf8', at, endOfKey))
    const start = afterBlanks(json, afterBlanks(json, endOfKey) + 1)
    const value = await walk(json, start, pause)
    at = value.end
    if (name === key) found = { start, ...value }
    await pause()
  }
  if (!found) return undefined
  const { start, end, blanks } = found
  return blanks === 0 ? json.subarray(start, end) : compact(json, start, end, end - start - blanks, pause)
}

type Pause = () => Promise<void> | undefined

/** The end of a value, and the number of blanks between its parts. */
async function walk(json: Buffer, start: number, pause: Pause): Promise<{ end: number; blanks: number }> {
  let depth = 0
  let blanks = 0
  let paused = start
  for (let at = start; at < json.length; at++) {
    const c = json[at]!
    if (c === QUOTE) {
      at = afterString(json, at) - 1
      if (depth === 0) return { end: at + 1, blanks }
    } else if (c === OPEN_DICTIONARY || c === OPEN_LIST) depth++
    else if (c === CLOSE_DICTIONARY || c === CLOSE_LIST) {
      if (depth === 0) return { end: at, blanks }
      if (--depth === 0) return { end: at + 1, blanks }
    } else if (isBlank(c) || c === COMMA) {
      if (depth === 0) return { end: at, blanks }
      if (c !== COMMA) blanks++
    }
    if (at - paused < STEP) continue
    paused = at
    await pause()
  }
  return { end: json.length, blanks }
}

/** Copies a value without the blanks outside its strings. */
async function compact(json: Buffer, start: number, end: number, length: number, pause: Pause): Promise<Buffer> {
  const kept = Buffer.allocUnsafe(length)
  let to = 0
  let paused = start
  for (let at = start; at < end; ) {
    const c = json[at]!
    if (c === QUOTE) {
      const after = afterString(json, at)
      to += json.copy(kept, to, at, after)
      at = after
    } else {
      if (!isBlank(c)) kept[to++] = c
      at++
    }
    if (at - paused < STEP) continue
    paused = at
    await pause()
  }
  return kept
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_DICTIONARY = 0x7b
const CLOSE_DICTIONARY = 0x7d

const isBlank = (c: number) => c === 0x20 || c === 0x0a || c === 0x09 || c === 0x0d

function afterBlanks(json: Buffer, start: number): number {
  let at = start
  while (isBlank(json[at]!)) at++
  return at
}

/** The index after a string's closing quote. */
function afterString(json: Buffer, start: number): number {
  let at = start + 1
  for (let c = json[at]; c !== QUOTE && at < json.length; c = json[at]) at += c === BACKSLASH ? 2 : 1
  return at + 1
}
