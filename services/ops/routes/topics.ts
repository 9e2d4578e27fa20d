import { z } from 'zod'
import type { Recorded } from '#events/kit/envelope.ts'
import { topics } from '#events/topics.ts'
import { openBell } from '#platform/bell.ts'
import { failure, invalid } from '#platform/http/errors.ts'
import { EventStream, eventStream } from '#platform/http/stream.ts'
import { positionAt } from '#platform/log/postgres/moment.ts'
import { payloadOf } from '#services/operations/story/tell.ts'
import { fieldOf } from '#services/operations/topics/chosen.ts'
import { commandOf } from '#services/operations/topics/command.ts'
import { countBetween } from '#services/operations/topics/count.ts'
import { type Filter, matches, type Where, whereOf } from '#services/operations/topics/filter.ts'
import { type Live, openLive } from '#services/operations/topics/live.ts'
import { narrowed } from '#services/operations/topics/narrowed.ts'
import { allSchemas } from '#services/operations/topics/schemas.ts'
import { headOf, search } from '#services/operations/topics/search.ts'
import type { Who } from '../access.ts'
import type { App } from '../deps.ts'
import { masked } from '../mask.ts'
import { route } from '../route.ts'

/** Postgres cannot store NUL, and no name contains a control character. */
const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}+$/u)
const position = z.coerce.number().int().min(0)
/** Filter: a topic, a stream, a key, types (separated by commas), fields with values (one per line). */
const wanted = {
  topic: name.optional(),
  stream: name.optional(),
  key: name.optional(),
  types: z.string().max(1_000).default(''),
  where: z.string().max(2_000).default(''),
}
const anything = { 200: z.unknown() }

/** Bounds of one answer: number of events and time. A longer search continues from where the answer ended. */
const MOST_SEARCHED = 20_000
const WITHIN_MS = 1_500
/** Events buffered for one watcher; older ones beyond that are dropped and counted. */
const MOST_WAITING = 200

export const topicsRoutes = [
  route('GET', '/api/topics', { may: 'viewer', answers: anything }, async ({ app }) => ({
    topics: await Promise.all(
      topics.map(async (topic) => {
        const heads = await app.reader.heads(topic)
        return { topic: topic.name, partitions: topic.partitions, head: Math.max(0, ...heads.values()) }
      }),
    ),
    types: (await allSchemas()).map(({ topic, type, versions }) => ({ topic, type, version: versions.at(-1)!.version })),
  })),
  route('GET', '/api/topics/schemas', { may: 'viewer', answers: anything }, async () => ({ types: await allSchemas() })),
  route(
    'GET',
    '/api/topics/events',
    {
      may: 'viewer',
      query: z.object({
        ...wanted,
        /**
         * Where to begin: after this position, or before it when backwards. Without `from` and `at`: at the end when backwards,
         * else at the beginning.
         */
        from: position.optional(),
        at: z.iso.datetime({ offset: true }).optional(),
        direction: z.enum(['forwards', 'backwards']).default('backwards'),
        limit: z.coerce.number().int().min(1).max(200).default(50),
      }),
      answers: anything,
    },
    async ({ app, who, query: { topic, direction, limit, from, at, ...given } }) => {
      const filter = filterOf(who, given)
      const places = await narrowed(app.db, filter, topic)
      const head = await headOf(app.reader, places)
      const isBackwards = direction === 'backwards'
      const moment = at === undefined ? undefined : await positionAt(app.db, Date.parse(at))
      const begin = from ?? (moment === undefined ? (isBackwards ? head + 1 : 0) : isBackwards ? moment + 1 : moment)
      const [found, left] = await Promise.all([
        search(app.reader, { places, filter, direction, from: begin, limit, most: MOST_SEARCHED, withinMs: WITHIN_MS }),
        isBackwards ? countBetween(app.db, places, 0, begin - 1) : countBetween(app.db, places, begin, head),
      ])
      return {
        events: found.events.map(shown),
        searched: found.searched,
        /** Number of events ahead when the search began; null if unknown. */
        of: left ?? null,
        next: found.next,
        why: found.why,
        command: commandOf(filter, { topic, direction, from: begin, limit }),
      }
    },
  ),
  route(
    'GET',
    '/api/topics/live',
    { may: 'viewer', query: z.object(wanted), answers: { 200: eventStream } },
    async ({ app, who, query: { topic, ...given } }) => {
      const filter = filterOf(who, given)
      const places = await narrowed(app.db, filter, topic)
      const isHere = new Set(places.map((place) => place.topic.name))
      return new EventStream(async (out) => {
        let waiting: object[] = []
        let passed = 0
        let problem: string | undefined
        const bell = openBell()
        const stop = liveOf(app).watch({
          events(events) {
            const isMended = problem !== undefined
            problem = undefined
            const kept = events.filter((event) => isHere.has(event.topic) && matches(event, filter)).map(shown)
            waiting.push(...kept)
            passed += Math.max(0, waiting.length - MOST_WAITING)
            waiting = waiting.slice(-MOST_WAITING)
            if (kept.length > 0 || isMended) bell.ring()
          },
          passed(positions) {
            passed += positions
            bell.ring()
          },
          problem(message) {
            problem = message
            bell.ring()
          },
        })
        out.gone.addEventListener('abort', bell.ring)
        try {
          await out.send('event: open\ndata: {}\n\n')
          while (!out.gone.aborted) {
            await bell.wait()
            bell.hush()
            if (out.gone.aborted) return
            const frame = { events: waiting, passed, ...(problem !== undefined && { problem }) }
            waiting = []
            passed = 0
            problem = undefined
            await out.send(`event: events\ndata: ${JSON.stringify(frame)}\n\n`)
          }
        } finally {
          stop()
        }
      })
    },
  ),
]

const lives = new WeakMap<App, Live>()

/** One feed for all who watch. */
function liveOf(app: App): Live {
  const live = lives.get(app) ?? openLive(app)
  lives.set(app, live)
  return live
}

const shown = (event: Recorded) => ({ ...event, data: masked(payloadOf(event)) })

/**
 * @throws HttpError 422 for a line that is not field=value; 403 when a viewer searches for a text that is masked, because a match
 *   would reveal it
 */
function filterOf(who: Who, { stream, key, types, where }: { [K in keyof typeof wanted]?: string | undefined }): Filter {
  const lines = (where ?? '').split('\n').filter((line) => line.trim() !== '')
  const fields = lines.map((line) => {
    const one = whereOf(line.trim())
    if (!one) throw invalid([{ field: 'query.where', message: 'It takes field=value', type: 'where' }])
    if (who.role !== 'operator' && !mayLookFor(one))
      throw failure(403, 'FORBIDDEN', 'Only an operator may look for texts that are masked')
    return one
  })
  return { stream, key, types: (types ?? '').split(',').filter((type) => type !== ''), where: fields }
}

const mayLookFor = ({ path, value }: Where) => {
  const last = path.at(-1)!
  return fieldOf(path)?.isText === false || masked(value, last) === value
}
