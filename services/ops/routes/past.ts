import { z } from 'zod'
import { failure } from '#platform/http/errors.ts'
import { views } from '#projections/index.ts'
import {
  comparedWithNow,
  dropAct,
  dropPastView,
  KEPT_HOURS,
  MOST_PAST_VIEWS,
  type PastView,
  pastView,
  pastViews,
  rowsAsOf,
} from '#services/operations/replays/past.ts'
import { masked } from '../mask.ts'
import { route } from '../route.ts'
import { shownDifference } from './replay.ts'

const id = z.object({ id: z.string().regex(/^[0-9a-f]{8}$/) })
const anything = { 200: z.unknown() }

/** Views as of an earlier position. */
export const pastRoutes = [
  route('GET', '/api/past', { may: 'viewer', answers: anything }, async ({ app }) => ({
    most: MOST_PAST_VIEWS,
    hours: KEPT_HOURS,
    past: await pastViews(app.db),
  })),
  route(
    'GET',
    '/api/past/:id/rows',
    {
      may: 'viewer',
      params: id,
      query: z.object({
        column: z.string().max(100).optional(),
        value: z.string().max(1_000).default(''),
        limit: z.coerce.number().int().min(1).max(200).default(50),
        offset: z.coerce.number().int().min(0).default(0),
      }),
      answers: anything,
    },
    async ({ app, params, query: { column, value, limit, offset } }) => {
      if (column) assertTellsNothing(await pastView(app.db, params.id), column, value)
      const rows = await rowsAsOf(app.db, params.id, { where: column ? { [column]: value } : {}, limit, offset })
      return { rows: rows.map((row) => masked(row)) }
    },
  ),
  route('GET', '/api/past/:id/compare', { may: 'viewer', params: id, answers: anything }, async ({ app, params }) => {
    const { rows, ...counts } = await comparedWithNow(app.db, params.id)
    return { ...counts, rows: rows.map(shownDifference) }
  }),
  route('DELETE', '/api/past/:id', { may: 'operator', params: id, answers: anything }, async ({ app, params, operate }) => {
    const act = dropAct(await pastView(app.db, params.id))
    return operate(act, async () => ({ result: await dropPastView(app.db, params.id), summary: 'dropped' }))
  }),
]

const PLAIN = /^(small|big)?int|^bool|^timestamptz/

/**
 * Finding a row by a value reveals that value, so viewers may search only for values that are never masked.
 * @throws HttpError 403
 */
function assertTellsNothing({ id, view: name }: PastView, column: string, value: string): void {
  const type = views.find((view) => view.name === name)?.columns[column]
  if (type === undefined || PLAIN.test(type) || masked(value, column) === value) return
  throw failure(
    403,
    'MASKED',
    `Texts of ${column} are masked, so nobody looks for one here; on the command line: npx vidwiz as-of show ${id} --where '${column}=…'`,
  )
}
