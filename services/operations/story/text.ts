const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A duration for people: `12 ms`, `3.4 s`, `4 min 10 s`, `2 h 5 min`, `3 d 2 h`. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 10 * SECOND) return `${trimmed(ms / SECOND)} s`
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`
  if (ms < HOUR) return twoUnits(ms, MINUTE, 'min', SECOND, 's')
  if (ms < DAY) return twoUnits(ms, HOUR, 'h', MINUTE, 'min')
  return twoUnits(ms, DAY, 'd', HOUR, 'h')
}

const trimmed = (value: number) => (Math.floor(value * 10) / 10).toFixed(1).replace('.0', '')

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`
}

/** A moment as `vidwiz tail` writes it; a time outside the calendar's range is given as its number. */
export function moment(time: number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString()
}

/** Puts text of people and workers on one line, without control characters, which a terminal would obey. */
export const oneLine = (text: string) => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')

/** Cuts a text to `most` characters. */
export const shortened = (text: string, most: number) => (text.length > most ? `${text.slice(0, most).trimEnd()}…` : text)

const ORDINALS = ['th', 'st', 'nd', 'rd']

/** `1st`, `2nd`, `13th`. */
export const ordinal = (n: number) => `${n}${(n % 100 > 10 && n % 100 < 14 ? undefined : ORDINALS[n % 10]) ?? 'th'}`
