const DAY_MS = 86_400_000
const twoDigits = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))
const threeDigits = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(3, '0'))

let knownDay = Number.NaN
let date = ''

/**
 * A moment as `Date.toISOString` writes it, four times as fast when the moments of successive calls are on the same day, as those of
 * events are. A replay spends a sixth of its time on `toISOString`.
 *
 * @param ms milliseconds since the epoch
 * @throws RangeError for a day that no Date has
 */
export function isoTime(ms: number): string {
  const day = Math.floor(ms / DAY_MS)
  if (day !== knownDay) {
    date = new Date(day * DAY_MS).toISOString().slice(0, -13)
    knownDay = day
  }
  const rest = Math.trunc(ms) - day * DAY_MS
  const seconds = Math.floor(rest / 1_000)
  const minutes = Math.floor(seconds / 60)
  return `${date}${twoDigits[Math.floor(minutes / 60)]}:${twoDigits[minutes % 60]}:${twoDigits[seconds % 60]}.${threeDigits[rest % 1_000]}Z`
}
