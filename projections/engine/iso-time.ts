const DAY_MS = 86_400_000
const ZERO = '0'.charCodeAt(0)

let knownDay = Number.NaN
/** The text of the last moment; the date stays while the day does. */
let text = Buffer.alloc(0)
let timeAt = 0

/**
 * A moment as `Date.toISOString` writes it, but faster when the moments of successive calls are on the same day, as those of events
 * are. A string that is put together from parts keeps all parts in memory.
 *
 * @param ms milliseconds since the epoch
 * @throws RangeError for a day that no Date has
 */
export function isoTime(ms: number): string {
  const day = Math.floor(ms / DAY_MS)
  if (day !== knownDay) {
    text = Buffer.from(new Date(day * DAY_MS).toISOString(), 'latin1')
    timeAt = text.length - '00:00:00.000Z'.length
    knownDay = day
  }
  const rest = Math.trunc(ms) - day * DAY_MS
  const seconds = Math.floor(rest / 1_000)
  const minutes = Math.floor(seconds / 60)
  const thousandths = rest % 1_000
  twoDigits(timeAt, Math.floor(minutes / 60))
  twoDigits(timeAt + 3, minutes % 60)
  twoDigits(timeAt + 6, seconds % 60)
  text[timeAt + 9] = ZERO + Math.floor(thousandths / 100)
  twoDigits(timeAt + 10, thousandths % 100)
  return text.toString('latin1')
}

function twoDigits(at: number, n: number): void {
  const tens = Math.floor(n / 10)
  text[at] = ZERO + tens
  text[at + 1] = ZERO + n - 10 * tens
}
