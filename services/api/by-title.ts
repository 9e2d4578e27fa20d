import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { isPlaceholder, withoutTrimmings } from '#events/title.ts'
import { codePoints, strip } from '#platform/http/text.ts'
import { caseless } from '#platform/text/fold.ts'
import { type Hit, type Search, SearchFailed } from '#platform/youtube/search.ts'
import { badGateway } from './errors.ts'

/**
 * Finds the video that has exactly this title, ignoring case and blanks; undefined if YouTube knows none.
 * A merely similar title does not count: the note would be on a video that nobody meant.
 *
 * @param admit called before YouTube is asked; its errors are passed on
 * @throws HttpError 502 when YouTube cannot be asked
 */
export type FindByTitle = (title: string, admit?: () => Promise<void> | undefined) => Promise<Hit | undefined>

/** YouTube allows a hundred searches a day, so results are kept and reused. */
const FOUND_MS = 24 * 3_600_000
/** Shorter than for hits: YouTube finds a new video only after a while. */
const MISSED_MS = 600_000
const MOST_KNOWN = 10_000
/** Twice YouTube's own bound for titles. */
const LONGEST = 200

export function titleFinder({ search, log }: { search: Search; log: Logger }): FindByTitle {
  /** What YouTube answered, keyed by what it was asked for: a title without the additions of a browser tab. */
  const known = new LRUCache<string, readonly Hit[], string>({
    max: MOST_KNOWN,
    ttl: FOUND_MS,
    // A failed search must not lose what was found before.
    noDeleteOnFetchRejection: true,
    fetchMethod: (_, __, { context: title }) => search(title),
  })
  const isRecent = (key: string) => known.has(key) && FOUND_MS - known.getRemainingTTL(key) < MISSED_MS

  return async (given, admit) => {
    const whole = strip(given)
    const title = strip(withoutTrimmings(whole))
    if (title === '' || codePoints(title) > LONGEST || isPlaceholder(given)) return undefined
    const [key, entire] = [comparable(title), comparable(whole)]
    const called = (hits: readonly Hit[], sought: string) => hits.find((one) => comparable(one.title) === sought)
    // The whole title first: a video may be called `(3) Ways to win`, while on a tab `(3)` counts notifications.
    const meant = (hits: readonly Hit[] = []) => called(hits, entire) ?? called(hits, key)
    const hit = meant(known.get(key))
    if (hit || isRecent(key)) return hit
    await admit?.()
    try {
      return meant(await known.fetch(key, { context: title, forceRefresh: true }))
    } catch (error) {
      if (!(error instanceof SearchFailed)) throw error
      log.warn({ why: error.message }, 'YouTube could not be searched')
      throw badGateway('YouTube cannot be searched at the moment, please try again')
    }
  }
}

const comparable = (title: string) => strip(caseless(title))
