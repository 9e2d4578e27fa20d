/** Lenient about blanks, leading noughts and fractions; `90:00` and `1:75` mean what they say. */
const TIMESTAMP = /^\s*(?:(\d+)\s*:\s*)?(\d+)\s*:\s*(\d+(?:\.\d+)?)\s*$/

/** Nobody means a longer one; the API takes them of any length, and SQS and models do not. */
const MOST_CHARACTERS = 40

/** The second of the video that `MM:SS` or `HH:MM:SS` names. @throws Error when it names none */
export function secondsOf(timestamp: string): number {
  const [, hours = '0', minutes, seconds] = TIMESTAMP.exec(timestamp) ?? []
  if (minutes === undefined || timestamp.length > MOST_CHARACTERS) throw new Error('the timestamp of the note cannot be read')
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
}
