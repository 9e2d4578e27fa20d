/** Place of a secret. Never contains the secret itself, because it may be printed. */
export interface Finding {
  /** Index of the secret. */
  secret: number
  /** The encoding in which it was found. */
  as: string
  /** Index of the text. */
  text: number
}

/**
 * Searches texts for secrets, in plain form and in the encodings that could get them into a log (P9).
 *
 * @param secrets at least six characters each; shorter ones would be found everywhere by chance
 */
export function findSecrets(haystack: Iterable<string>, secrets: string[]): Finding[] {
  const needles = secrets.flatMap((secret, index) => disguises(secret).map(([as, needle]) => ({ index, as, needle })))
  const findings: Finding[] = []
  let text = 0
  for (const hay of haystack) {
    for (const { index, as, needle } of needles) if (hay.includes(needle)) findings.push({ secret: index, as, text })
    text++
  }
  return findings
}

function disguises(secret: string): [string, string][] {
  if (secret.length < 6) throw new Error('a secret of fewer than six characters would be found by chance')
  const hex = Buffer.from(secret).toString('hex')
  const all: [string, string][] = [
    ['plain text', secret],
    ['JSON', inJson(secret)],
    ['JSON in JSON', inJson(inJson(secret))],
    ['percent encoding', encodeURIComponent(secret.toWellFormed())],
    ['hex', hex],
    ['upper-case hex', hex.toUpperCase()],
    ...inBase64(secret, 'base64'),
    ...inBase64(secret, 'base64url'),
  ]
  return [...new Map(all.map(([as, needle]) => [needle, as])).entries()].map(([needle, as]) => [as, needle])
}

const inJson = (text: string) => JSON.stringify(text).slice(1, -1)

/**
 * Inside a longer text, the secret may start at any of three offsets in a base64 group. Characters shared with its neighbours are
 * cut off.
 */
const inBase64 = (secret: string, encoding: 'base64' | 'base64url'): [string, string][] =>
  [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)])
    const letters = bytes.toString(encoding).replaceAll('=', '')
    return [encoding, letters.slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6))]
  })
