import type { Look } from '../../../../operations/look.ts'

/** Events behind over time, for a chart: moments in seconds since the epoch, and a number or null for each. */
export interface History {
  at: number[]
  events: (number | null)[]
}

const MOST = 1_800
const histories = new Map<string, History>()

export const keyOf = ({ consumer, topic }: { consumer: string; topic: string }) => `${consumer} ${topic}`

/** Adds a look to the history that this page keeps. The first look brings the last minute with it. */
export function remember({ at, consumers }: Look, into = histories): void {
  for (const one of consumers.value ?? []) {
    const key = keyOf(one)
    let known = into.get(key)
    if (!known) {
      const before = one.history.slice(0, -1)
      known = { at: before.map((_, i) => at / 1_000 - before.length + i), events: [...before] }
      into.set(key, known)
    }
    if (known.at.length > 0 && known.at.at(-1)! >= at / 1_000) continue
    known.at.push(at / 1_000)
    known.events.push(one.events)
    if (known.at.length > MOST) {
      known.at.splice(0, MOST / 10)
      known.events.splice(0, MOST / 10)
    }
  }
}

export const historyOf = (key: string): History => histories.get(key) ?? { at: [], events: [] }
