import { type Filter, textOf } from './filter.ts'

interface From {
  topic?: string | undefined
  direction: 'forwards' | 'backwards'
  /** Forwards: starts after this position. Backwards: starts before it. */
  from: number
  limit: number
}

const SAFE = /^[\w=.:@-]+$/
/** Quotes a text as one word of a shell command. */
const quoted = (text: string) => (SAFE.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** The command line that shows the same events. */
export function commandOf({ stream, key, types = [], where = [] }: Filter, { topic, direction, from, limit }: From): string {
  const isBackwards = direction === 'backwards'
  return [
    'npx vidwiz tail',
    ...(topic === undefined ? [] : ['--topic', quoted(topic)]),
    ...(stream === undefined ? [] : ['--stream', quoted(stream)]),
    ...(key === undefined ? [] : ['--key', quoted(key)]),
    ...types.flatMap((type) => ['--type', quoted(type)]),
    ...where.flatMap((one) => ['--where', quoted(textOf(one))]),
    `--from ${isBackwards ? Math.max(0, from - 1) : from}`,
    isBackwards ? '--backwards' : '--no-follow',
    `--limit ${limit}`,
  ].join(' ')
}
