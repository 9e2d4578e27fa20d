/** Accepts blanks, leading zeros, fractions, and values over 59 such as `90:00` and `1:75`. */
const TIMESTAMP = /^\s*(?:(\d+)\s*:\s*)?(\d+)\s*:\s*(\d+(?:\.\d+)?)\s*$/

/** The API accepts timestamps of any length; SQS and models do not, and no real one is longer. */
const MOST_CHARACTERS = 40

/** Seconds into the video for `MM:SS` or `HH:MM:SS`. @throws Error when the format is wrong */
export function secondsOf(timestamp: string): number {
  const [, hours = '0', minutes, seconds] = TIMESTAMP.exec(timestamp) ?? []
  if (minutes === undefined || timestamp.length > MOST_CHARACTERS) throw new Error('the timestamp of the note cannot be read')
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
}
