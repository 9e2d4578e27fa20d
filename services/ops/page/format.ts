/** Shown for an unknown value. */
export const UNKNOWN = '–'

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** A whole number with thousands separated; a dash if unknown. */
export const count = (value: number | null | undefined): string => (isKnown(value) ? grouped.format(value) : UNKNOWN)

/** Events per second, with only significant digits. */
export function rate(perSecond: number | null | undefined): string {
  if (!isKnown(perSecond)) return UNKNOWN
  if (perSecond === 0) return '0'
  if (perSecond < 0.1) return '<0.1'
  return perSecond < 10 ? perSecond.toFixed(1) : grouped.format(perSecond)
}

/** A duration in its two largest units: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (!isKnown(seconds)) return UNKNOWN
  const s = Math.max(0, seconds)
  if (s < 1) return s === 0 ? '0 s' : s < 0.1 ? '<0.1 s' : `${s.toFixed(1)} s`
  if (s < 60) return `${Math.floor(s)} s`
  const [size, unit, smaller, smallerUnit] =
    s < 3_600
      ? ([60, 'min', 1, 's'] as const)
      : s < 86_400
        ? ([3_600, 'h', 60, 'min'] as const)
        : ([86_400, 'd', 3_600, 'h'] as const)
  const whole = Math.floor(s / size)
  const rest = Math.floor((s - whole * size) / smaller)
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smallerUnit}`
}

/** A moment (milliseconds since the epoch) as ISO 8601 in UTC, to the second. */
export const moment = (at: number | null | undefined): string =>
  isKnown(at) ? `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z` : UNKNOWN

/** Number with its noun: `1 event`, `3 events`. */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`

export const isKnown = (value: number | null | undefined): value is number => typeof value === 'number' && Number.isFinite(value)
