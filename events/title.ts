import { normalized } from './kit/normal-form.ts'

/**
 * Titles that the browser extension sends when it found none: the first when a video's page shows no title
 * yet, the second on any other page.
 */
const PLACEHOLDERS = ['No YouTube video title found.', 'No YouTube video found.']
/** Title of a browser tab until its page has one, and on pages without a video. */
const SITE = 'YouTube'

/** No placeholder is longer, including what a tab adds. */
const LONGEST = 200
const NOTHING = /^[\p{White_Space}\p{Cc}\p{Cf}]*$/u

const comparable = (title: string) =>
  normalized(title, 'NFKC')
    .replace(/[\p{White_Space}\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .toLowerCase()

const known = new Set([...PLACEHOLDERS, ...PLACEHOLDERS.map((words) => words.slice(0, -1)), SITE].map(comparable))

/**
 * Removes what a browser tab adds to a title: the count of notifications before it, the site's name after it.
 *
 * @param title trimmed
 */
export const withoutTrimmings = (title: string): string => title.replace(/^\(\d+\+?\) +/, '').replace(/(^| )- YouTube$/i, '')

/** Whether a title is no real title: blank, a client's placeholder, or only the site's name. */
export function isPlaceholder(title: string): boolean {
  if (title.length > LONGEST) return NOTHING.test(title)
  const bare = withoutTrimmings(comparable(title)).trim()
  return bare === '' || known.has(bare)
}

/** The title that a client meant, unchanged; null when it had none. An empty title stays, because the API always kept it. */
export const titleOf = (given: string | null | undefined): string | null =>
  given === undefined || given === null || (given !== '' && isPlaceholder(given)) ? null : given
