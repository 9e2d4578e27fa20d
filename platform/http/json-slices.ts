import { finite, rememberFinite } from './finite.ts'
import { endOfString, JsonDepthError, JsonPartsError, JsonSyntaxError, MAX_DEPTH } from './json.ts'

/** Characters parsed between two pauses; JSON.parse takes at most a few milliseconds for that. */
const SLICE = 64 * 1024

export interface Slicing {
  /** Maximum number of lists, dictionaries and keys. */
  maxParts: number
  /** Awaited after each slice, so that other requests can run. */
  pause(): Promise<unknown> | undefined
}

/**
 * Parses JSON of any length in slices, with the result of JSON.parse.
 *
 * @throws JsonSyntaxError with an offset near the error, JsonDepthError beyond MAX_DEPTH, JsonPartsError beyond `maxParts`
 */
export async function parseInSlices(text: string, slicing: Slicing): Promise<unknown> {
  const ends = await endsOfLarge(text, slicing)
  const start = afterBlanks(text, 0)
  const end = ends.get(start)
  // The whole text is one small value or a string.
  if (end === undefined) return parsed(text, 0, text.length)
  const value = await new Slices(text, ends, slicing.pause).large(start, end)
  const rest = afterBlanks(text, end)
  if (rest < text.length) throw new JsonSyntaxError(rest)
  return value
}

/** Maps the start of each list and dictionary larger than a slice to its end. */
async function endsOfLarge(text: string, { maxParts, pause }: Slicing): Promise<Map<number, number>> {
  const ends = new Map<number, number>()
  const open: number[] = []
  let parts = 0
  let paused = 0
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === QUOTE) at = endOfString(text, at)
    else if (c === COLON) parts++
    else if (c === OPEN_LIST || c === OPEN_DICTIONARY) {
      parts++
      if (open.push(at) > MAX_DEPTH) throw new JsonDepthError()
    } else if (c === CLOSE_LIST || c === CLOSE_DICTIONARY) {
      const start = open.pop()
      if (start === undefined) throw new JsonSyntaxError(at)
      if (at - start > SLICE) ends.set(start, at + 1)
    }
    if (parts > maxParts) throw new JsonPartsError(maxParts)
    if (at - paused < SLICE) continue
    paused = at
    await pause()
  }
  if (open.length > 0) throw new JsonSyntaxError(text.length)
  return ends
}

/** Splits large values into slices for JSON.parse. */
class Slices {
  private readonly text: string
  private readonly ends: ReadonlyMap<number, number>
  private readonly pause: Slicing['pause']
  constructor(text: string, ends: ReadonlyMap<number, number>, pause: Slicing['pause']) {
    this.text = text
    this.ends = ends
    this.pause = pause
  }

  /** Parses the list or dictionary from `start` to `end`, including its brackets. */
  async large(start: number, end: number): Promise<unknown> {
    const { text } = this
    const into = text.charCodeAt(start) === OPEN_LIST ? new List(text) : new Dictionary(text)
    const last = end - 1
    if (text[last] !== into.close) throw new JsonSyntaxError(last)
    /** `from`: start of the part not parsed yet. `member`: start of the member that contains `at`. */
    let from = start + 1
    let member = from
    let depth = 0
    for (let at = from; at < last; at++) {
      const c = text.charCodeAt(at)
      if (c === QUOTE) at = endOfString(text, at)
      else if (c === COMMA && depth === 0) {
        member = at + 1
        if (member - from < SLICE) continue
        into.addAll(from, at)
        from = member
        await this.pause()
      } else if (c === CLOSE_LIST || c === CLOSE_DICTIONARY) depth--
      else if (c === OPEN_LIST || c === OPEN_DICTIONARY) {
        const inner = this.ends.get(at)
        if (inner === undefined) {
          depth++
          continue
        }
        if (member > from) into.addAll(from, member - 1)
        into.add(member, at, await this.large(at, inner))
        at = afterBlanks(text, inner)
        if (at === last) return into.whole()
        if (text.charCodeAt(at) !== COMMA) throw new JsonSyntaxError(at)
        from = at + 1
        member = from
      }
    }
    const isEmpty = from === start + 1 && afterBlanks(text, from) === last
    if (!isEmpty) into.addAll(from, last)
    return into.whole()
  }
}

/** A value parsed in slices. Checks each slice for non-finite numbers, because checking the whole value at once would take too long. */
abstract class Whole {
  abstract readonly value: object
  protected abstract isFinite(): boolean

  whole(): object {
    rememberFinite(this.value, this.isFinite())
    return this.value
  }
}

class List extends Whole {
  readonly value: unknown[] = []
  readonly close = ']'
  private allFinite = true
  private readonly text: string
  constructor(text: string) {
    super()
    this.text = text
  }

  /** Adds the members between `start` and `end`; there must be at least one. */
  addAll(start: number, end: number): void {
    const items = parsed(this.text, start, end, '[]') as unknown[]
    this.allFinite &&= finite(items)
    for (const item of items) this.value.push(item)
  }

  /** Adds a member whose value, already parsed, begins at `end`. */
  add(start: number, end: number, item: unknown): void {
    if (afterBlanks(this.text, start) !== end) throw new JsonSyntaxError(start)
    this.allFinite &&= finite(item)
    this.value.push(item)
  }

  protected isFinite = () => this.allFinite
}

class Dictionary extends Whole {
  readonly value: Record<string, unknown> = {}
  readonly close = '}'
  /** Keys whose values have non-finite numbers. */
  private readonly infinite = new Set<string>()
  private readonly text: string
  constructor(text: string) {
    super()
    this.text = text
  }

  addAll(start: number, end: number): void {
    const members = parsed(this.text, start, end, '{}') as Record<string, unknown>
    for (const key in members) this.put(key, members[key])
  }

  add(start: number, end: number, item: unknown): void {
    // Parses the key with a dummy value, so that JSON.parse checks the syntax before the real value.
    const [key] = Object.keys(parsed(this.text, start, end, '{}', ' 0') as object)
    this.put(key!, item)
  }

  protected isFinite = () => this.infinite.size === 0

  /** As in JSON.parse, `__proto__` is an ordinary key, and the last value of a key counts. */
  private put(key: string, item: unknown): void {
    if (!finite(item)) this.infinite.add(key)
    else if (this.infinite.size > 0) this.infinite.delete(key)
    if (key === '__proto__') Object.defineProperty(this.value, key, { value: item, ...OWN })
    else this.value[key] = item
  }
}

const OWN = { enumerable: true, writable: true, configurable: true }

/** Parses the text from `start` to `end`; for members of a list or dictionary its brackets are given. */
function parsed(text: string, start: number, end: number, [open = '', close = '']: string | never[] = [], more = ''): unknown {
  if (open && !more && afterBlanks(text, start) >= end) throw new JsonSyntaxError(start)
  try {
    return JSON.parse(open + text.slice(start, end) + more + close)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new JsonSyntaxError(start)
  }
}

function afterBlanks(text: string, start: number): number {
  let at = start
  for (let c = text.charCodeAt(at); c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; c = text.charCodeAt(at)) at++
  return at
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_DICTIONARY = 0x7b
const CLOSE_DICTIONARY = 0x7d
