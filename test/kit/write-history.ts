import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Recorded } from '#events/kit/envelope.ts'
import { HISTORIES_FOLDER, readCommittedHistories } from '#platform/log/committed-histories.ts'
import { anyOf, anyWishes, commandOf, everyType } from './histories.ts'
import { world } from './world.ts'

/**
 * Writes one more history for `vidwiz schemas check` to fold: random sequences of commands, each from an empty log, and one
 * sequence with an event of each type. A sequence is kept when it shows something new: an event type after another one in a stream,
 * or with other fields. Run it when the check reports an event type that no history contains, then run `vidwiz schemas write`.
 *
 * It holds the topics that have a type without a history, so that other views and states need no new fingerprint; all topics if
 * each type has one.
 */
const LIVES = 4_000

const histories = await readCommittedHistories()
const number = histories.size + 1
const known = new Set([...histories.values()].flat(2).map(({ type }) => type))
const unknown = everyType.filter(({ type }) => !known.has(type))
const topics = new Set((unknown.length > 0 ? unknown : everyType).map(({ topic }) => topic.name))

const seen = new Set<string>()
const lives: Recorded[][] = []
for (const wishes of fc.sample(anyWishes, { seed: number, numRuns: LIVES })) {
  const here = world()
  for (const wish of wishes) here.execute(commandOf(wish))
  keep(here.log.filter(({ topic }) => topics.has(topic)))
}
const each = world()
each.append(
  everyType.filter(({ topic }) => topics.has(topic.name)).flatMap((type) => fc.sample(anyOf(type), { seed: number, numRuns: 1 })),
)
lives.push(each.log)

/** Keeps only the streams that show something new. */
function keep(life: readonly Recorded[]) {
  const streams = Map.groupBy(life, ({ stream }) => stream)
  const kept = new Set<string>()
  for (const [stream, events] of streams) {
    const news = events.map((event, i) => shows(events[i - 1], event)).filter((one) => !seen.has(one))
    if (news.length === 0) continue
    for (const one of news) seen.add(one)
    kept.add(stream)
  }
  if (kept.size > 0) lives.push(life.filter(({ stream }) => kept.has(stream)))
}

function shows(before: Recorded | undefined, { type, data }: Recorded): string {
  const fields = Object.entries(JSON.parse(data) as Record<string, unknown>)
    .map(([name, value]) => (value === null ? `${name}=null` : typeof value === 'boolean' ? `${name}=${value}` : name))
    .sort()
  return `${before?.type} ${type} ${fields}`
}

const text = (event: Recorded) => JSON.stringify({ ...event, data: JSON.parse(event.data) })
const file = join(HISTORIES_FOLDER, `${number}.json`)
writeFileSync(file, `[\n${lives.map((life) => `[\n${life.map(text).join(',\n')}\n]`).join(',\n')}\n]\n`, { flag: 'wx' })
console.log(`wrote ${file}: ${lives.length} lives, ${lives.flat().length} events`)
