import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { NO_TITLE } from '#events/video.ts'
import { codePoints, strip } from '#platform/http/text.ts'
import { type Hit, type Search, SearchFailed } from '#platform/youtube/search.ts'
import { badGateway } from './errors.ts'

/**
 * Finds the video that has this very title, whatever its case and blanks; undefined if YouTube knows none.
 * Never one that is only like it: the note would be on a video that nobody meant.
 *
 * @param admit asked before YouTube is; what it throws goes on
 * @throws HttpError 502 when YouTube cannot be asked
 */
export type FindByTitle = (title: string, admit?: () => Promise<void> | undefined) => Promise<Hit | undefined>

/** YouTube lets us search a hundred times a day: who asks for a title again gets what was found. */
const FOUND_MS = 24 * 3_600_000
/** It may be there later: new videos take a while until they are found. */
const MISSED_MS = 600_000
const MOST_KNOWN = 10_000
/** YouTube's own bound is half of it. */
const LONGEST = 200

export function titleFinder({ search, log }: { search: Search; log: Logger }): FindByTitle {
  const known = new LRUCache<string, { hit: Hit | undefined }, string>({
    max: MOST_KNOWN,
    ttl: FOUND_MS,
    async fetchMethod(sought, _, { context: title, options }) {
      const hit = (await search(title)).find((one) => comparable(one.title) === sought)
      if (!hit) options.ttl = MISSED_MS
      return { hit }
    },
  })

  return async (given, admit) => {
    const title = withoutTrimmings(given)
    if (title === '' || given === NO_TITLE || codePoints(title) > LONGEST) return undefined
    const sought = comparable(title)
    if (!known.has(sought)) await admit?.()
    try {
      return (await known.fetch(sought, { context: title }))?.hit
    } catch (error) {
      if (!(error instanceof SearchFailed)) throw error
      log.warn({ why: error.message }, 'YouTube could not be searched')
      throw badGateway('YouTube cannot be searched at the moment, please try again')
    }
  }
}

/** A title as a browser's tab has it begins with the number of news and ends with the name of the site. */
const withoutTrimmings = (title: string) =>
  strip(
    strip(title)
      .replace(/^\(\d+\) /, '')
      .replace(/(^| )- YouTube$/, ''),
  )

const comparable = (title: string) => strip(title.normalize('NFKC').replace(/\s+/gu, ' ')).toLowerCase()
