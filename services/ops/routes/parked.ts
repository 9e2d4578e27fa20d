import { z } from 'zod'
import { failure } from '#platform/http/errors.ts'
import { Answer } from '#platform/http/route.ts'
import { shownCause } from '#platform/log/cause.ts'
import { nameOf, redriveCommand, skipCommand, skipRecorded } from '#services/operations/parked/acts.ts'
import { assertKnown } from '#services/operations/parked/consumers.ts'
import { parkedGroups } from '#services/operations/parked/groups.ts'
import { type Redriven, redriveAll } from '#services/operations/parked/redriving.ts'
import { type SkipPreview, whatSkipChanges } from '#services/operations/parked/skipping.ts'
import { type Before, lettersOfStream, type StreamLetters } from '#services/operations/parked/stream.ts'
import { FREED, type Selection, stuckIn, stuckStreams } from '#services/operations/parked/stuck.ts'
import { assertMeant, type Danger, dangerousBody, previewFor } from '../dangerous.ts'
import type { App, Tools } from '../deps.ts'
import { masked } from '../mask.ts'
import { route } from '../route.ts'
import { allRuns, beginRun, cancelRun, type Run, runOf } from '../runs.ts'

const name = z.string().min(1).max(200)
const pos = z.coerce.number().int().min(0)
const groupId = z.string().regex(new RegExp(`^([0-9a-f]{12}|${FREED})$`))
const operation = z.object({ operation: z.uuid() })
/** A selection to redrive: the streams of one cause, all streams of a consumer, or one stream. */
const selection = z
  .object({ group: groupId.optional(), consumer: name.optional(), stream: name.optional() })
  .refine(({ group, consumer, stream }) => (group || consumer) && (!stream || consumer), 'Name a group or a consumer')

const anything = { 200: z.unknown() }

/** With more streams, the preview skips the trial run: it would take too long. */
const MOST_TRIED = 200

export const parkedRoutes = [
  route(
    'GET',
    '/api/parked',
    { may: 'viewer', query: z.object({ consumer: name.optional() }), answers: anything },
    async ({ app, query }) => ({ groups: await parkedGroups(app.db, query), runs: allRuns().map(shownRun) }),
  ),
  route(
    'GET',
    '/api/parked/streams',
    {
      may: 'viewer',
      query: z.object({
        group: groupId.optional(),
        consumer: name.optional(),
        /** Last stream of the previous page, and its consumer. */
        afterConsumer: name.optional(),
        afterStream: name.optional(),
        limit: z.coerce.number().int().min(1).max(500).default(100),
      }),
      answers: anything,
    },
    async ({ app, query: { afterConsumer, afterStream, limit, ...of } }) => {
      const after = afterConsumer && afterStream ? { consumer: afterConsumer, stream: afterStream } : undefined
      return stuckStreams(app.db, of, { after, limit })
    },
  ),
  route(
    'GET',
    '/api/parked/letters',
    { may: 'viewer', query: z.object({ consumer: name, stream: name, after: pos.default(0) }), answers: anything },
    async ({ app, query }) => shownLetters(await lettersOfStream(app.db, query)),
  ),

  route('GET', '/api/parked/redrive', { may: 'operator', query: selection, answers: anything }, async ({ app, who, query }) => {
    const danger = await redriveDanger(app, query)
    const isTried = danger.streams <= MOST_TRIED
    return {
      target: danger.target,
      streams: danger.streams,
      events: danger.events,
      consumers: danger.consumers,
      command: redriveCommand(query),
      token: previewFor(who, danger),
      tried: isTried ? shownResult(await redriveAll(app.db, query, { isDryRun: true })) : null,
    }
  }),
  route(
    'POST',
    '/api/parked/redrive',
    {
      may: 'operator',
      body: selection.and(dangerousBody.partial()),
      answers: { 202: z.unknown() },
      refuses: { 409: 'The preview is not true any more' },
    },
    async (input) => {
      const { app, who, body } = input
      const { group, consumer, stream, reason, token = '', name = '' } = body
      const selected: Selection = { group, consumer, stream }
      if (consumer) await assertKnown(app.db, consumer)
      // Redriving one stream is harmless: it succeeds or stays parked. Many at a time need a preview and a reason.
      if (!stream) {
        if (!reason) throw failure(422, 'REASON_MISSING', 'Say why')
        assertMeant(who, await redriveDanger(app, selected), { token, name, reason })
      }
      return shownRun(await beginRun(groundOf(input), selected, reason))
    },
  ),
  route('GET', '/api/parked/runs/:operation', { may: 'viewer', params: operation, answers: anything }, async ({ params }) =>
    shownRun(known(params.operation)),
  ),
  route(
    'DELETE',
    '/api/parked/runs/:operation',
    { may: 'operator', params: operation, answers: { 202: z.unknown() } },
    async ({ params, operate }) => {
      const { target, command } = known(params.operation)
      await operate({ act: 'cancel', target: `redrive ${target}`, command: `${command}  # Ctrl-C` }, async () => {
        cancelRun(params.operation)
        return { result: undefined, summary: 'asked to end; what was applied stays applied' }
      })
      return new Answer(202, shownRun(known(params.operation)))
    },
  ),

  route(
    'GET',
    '/api/parked/skip',
    { may: 'operator', query: z.object({ consumer: name, stream: name, pos }), answers: anything },
    async ({ app, who, query: { consumer, stream, pos } }) => {
      const preview = await whatSkipChanges(app.db, consumer, stream, pos)
      const danger = skipDanger(preview)
      return { ...shownSkip(preview), target: danger.target, token: previewFor(who, danger) }
    },
  ),
  route(
    'POST',
    '/api/parked/skip',
    {
      may: 'operator',
      body: dangerousBody.extend({ consumer: name, stream: name, pos: z.int().min(0), redrive: z.boolean().default(false) }),
      answers: anything,
      refuses: { 409: 'The preview is not true any more' },
    },
    async (input) => {
      const { consumer, stream, pos, redrive: isRedriven, reason } = input.body
      const preview = await whatSkipChanges(input.app.db, consumer, stream, pos)
      assertMeant(input.who, skipDanger(preview), input.body)
      const redriven = await skipRecorded(groundOf(input), { consumer, stream, pos, isRedriven }, reason)
      return { redriven: redriven ? shownResult(redriven) : null }
    },
  ),
]

const groundOf = ({ app, who }: Tools) => ({
  db: app.db,
  execute: app.execute,
  operator: { name: who.name, via: 'page' as const },
})

async function redriveDanger({ db }: App, selected: Selection) {
  const consumers = await stuckIn(db, selected)
  const streams = consumers.reduce((sum, one) => sum + one.streams, 0)
  const events = consumers.reduce((sum, one) => sum + one.events, 0)
  const danger: Danger = { act: 'redrive', target: nameOf(selected), count: `${streams} streams, ${events} events` }
  return { ...danger, consumers, streams, events }
}

const skipDanger = ({ consumer, letter: { stream, pos }, waiting }: SkipPreview): Danger => ({
  act: 'skip',
  target: nameOf({ consumer, stream }),
  count: `${pos}, ${waiting} waiting`,
})

function known(operation: string): Run {
  const run = runOf(operation)
  if (!run) throw failure(404, 'NOT_FOUND', 'This process knows of no such redrive: the list of operations does')
  return run
}

// Answers for every viewer: no text of a payload.

const shownResult = ({ results, ...redriven }: Redriven) => ({
  ...redriven,
  results: results.map(({ cause: _, shown, ...result }) => ({ ...result, cause: shown })),
})

const shownRun = ({ result, ...run }: Run) => ({ ...run, result: result && shownResult(result) })

const shownLetters = ({ letters, before, next }: StreamLetters) => ({
  letters: letters.map(({ event, cause, error, place, pattern, ...letter }) => ({
    ...letter,
    error,
    place,
    // For a skip: the reason that the operator gave.
    cause:
      letter.state === 'skipped'
        ? cause
        : error === null && letter.state !== 'failed'
          ? null
          : shownCause({ error, place, pattern }),
    event: { ...event, data: masked(parsed(event.data)) },
  })),
  before: before && shownBefore(before),
  next,
})

const shownBefore = (before: Before) =>
  before.is === 'row'
    ? { ...before, row: masked(before.row) }
    : before.is === 'state'
      ? { ...before, state: masked(before.state) }
      : before

const shownSkip = ({ consumer, letter, rows, ...preview }: SkipPreview) => ({
  ...preview,
  rows: rows.map((row) => ({
    ...row,
    now: masked(row.now),
    without: masked(row.without),
    ...(row.with !== undefined && { with: masked(row.with) }),
  })),
  command: skipCommand({ consumer, stream: letter.stream, pos: letter.pos }, 'WHY'),
})

/** A payload that is not JSON is masked as a whole. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}
