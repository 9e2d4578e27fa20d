/** Text that is not JSON; `offset` is the index of the error. */
export class JsonSyntaxError extends Error {
  readonly offset: number
  constructor(offset: number) {
    super(`not JSON at offset ${offset}`)
    this.name = 'JsonSyntaxError'
    this.offset = offset
  }
}

/** JSON nested too deeply to be handled safely. */
export class JsonDepthError extends Error {}

/** JSON with more lists, dictionaries and keys than allowed. */
export class JsonPartsError extends Error {
  readonly maxParts: number
  constructor(maxParts: number) {
    super(`JSON of more than ${maxParts} parts`)
    this.maxParts = maxParts
  }
}

/** JSON that is already serialized and is sent unchanged. */
export class JsonText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Deeper than any sensible document, and safe for functions that walk a value recursively. */
export const MAX_DEPTH = 1000

/** In characters; our own parser takes some 60 ms for that many. Only JSON.parse reads longer texts. */
export const MAX_LENIENT = 1024 * 1024

/**
 * Parses JSON; of repeated keys the last wins. The literals NaN, Infinity and -Infinity are tolerated in up to MAX_LENIENT
 * characters.
 *
 * @throws JsonSyntaxError, or JsonDepthError beyond MAX_DEPTH
 */
export function parseJson(text: string): unknown {
  if (text.length > MAX_DEPTH && depthOf(text) > MAX_DEPTH) throw new JsonDepthError()
  try {
    return JSON.parse(text)
  } catch (error) {
    // Rare: our own parser locates the error, or accepts a literal that JSON.parse rejects.
    if (text.length <= MAX_LENIENT) return new Reader(text).document()
    throw new JsonSyntaxError(Number(/position (\d+)/.exec((error as Error).message)?.[1] ?? 0))
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === 0x5b || c === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (c === 0x5d || c === 0x7d) depth--
    else if (c === QUOTE) at = endOfString(text, at)
  }
  return deepest
}

/** The index of the closing quote of the string that opens at `start`; the text's length if there is none. */
export function endOfString(text: string, start: number): number {
  const end = text.indexOf('"', start + 1)
  if (end < 0) return text.length
  if (!isEscaped(text, end)) return end
  // One escaped quote may mean millions, and an `indexOf` for each would be slow.
  for (let at = end + 1; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === QUOTE) return at
    if (c === BACKSLASH) at++
  }
  return text.length
}

function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === BACKSLASH) first--
  return (at - first) % 2 === 1
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const WORD = /true|false|null|NaN|-?Infinity/y
const WORDS: Record<string, unknown> = { true: true, false: false, null: null, NaN, Infinity, '-Infinity': -Infinity }
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** A recursive-descent parser that reports the offset of an error. Its caller has bounded the depth. */
class Reader {
  private at = 0
  private readonly text: string
  constructor(text: string) {
    this.text = text
  }

  document(): unknown {
    this.blanks()
    const value = this.value()
    this.blanks()
    if (this.at < this.text.length) this.fail()
    return value
  }

  private value(): unknown {
    const c = this.text[this.at]
    if (c === '{') return this.object()
    if (c === '[') return this.array()
    if (c === '"') return this.string()
    const digits = this.match(NUMBER)
    if (digits !== undefined) return Number(digits)
    return WORDS[this.match(WORD) ?? this.fail()]
  }

  private object(): unknown {
    const entries: [string, unknown][] = []
    this.list('}', () => {
      const key = this.text[this.at] === '"' ? this.string() : this.fail()
      this.blanks()
      this.expect(':')
      this.blanks()
      entries.push([key, this.value()])
    })
    return Object.fromEntries(entries)
  }

  private array(): unknown {
    const items: unknown[] = []
    this.list(']', () => items.push(this.value()))
    return items
  }

  private list(close: string, item: () => void): void {
    this.at++
    this.blanks()
    for (let first = true; this.text[this.at] !== close; first = false) {
      if (!first) {
        this.expect(',')
        this.blanks()
      }
      item()
      this.blanks()
    }
    this.at++
  }

  private string(): string {
    const start = this.at
    const end = endOfString(this.text, start)
    if (end >= this.text.length) this.fail(start)
    for (let at = start + 1; at < end; at++) {
      if (this.text.charCodeAt(at) < 0x20) this.fail(at)
      if (this.text.charCodeAt(at) !== BACKSLASH) continue
      ESCAPE.lastIndex = at
      const sequence = ESCAPE.exec(this.text)?.[0] ?? this.fail(at)
      at += sequence.length - 1
    }
    return this.take(end + 1 - start, JSON.parse(this.text.slice(start, end + 1)))
  }

  private blanks(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'end')) this.at++
  }

  private expect(sign: string): void {
    if (this.text[this.at] !== sign) this.fail()
    this.at++
  }

  /** Takes the match of a sticky pattern here. `exec` would create an array per match, and a body may have millions. */
  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    return pattern.test(this.text)
      ? this.take(pattern.lastIndex - this.at, this.text.slice(this.at, pattern.lastIndex))
      : undefined
  }

  private take<T>(length: number, value: T): T {
    this.at += length
    return value
  }

  private fail(offset = this.at): never {
    throw new JsonSyntaxError(offset)
  }
}
