import { z } from 'zod'
import { ACTS } from '#events/ops.ts'
import { operationsDone } from '#projections/operations.ts'
import { route } from '../route.ts'

const query = z.object({
  /** Names of acts, separated by commas. */
  act: z
    .string()
    .transform((list) => list.split(',').filter(Boolean))
    .pipe(z.array(z.enum(ACTS)))
    .default([]),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})

const Operation = z.object({
  operation: z.string(),
  act: z.string(),
  target: z.string(),
  who: z.string(),
  via: z.string(),
  command: z.string(),
  reason: z.string().nullable(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  outcome: z.string().nullable(),
  summary: z.string().nullable(),
})

export const operationsRoutes = [
  route(
    'GET',
    '/api/operations',
    { may: 'viewer', query, answers: { 200: z.object({ operations: z.array(Operation) }) } },
    async ({ app, query }) => {
      const rows = await operationsDone(app.db, { acts: query.act, limit: query.limit })
      return {
        operations: rows.map(({ started_at: startedAt, ended_at: endedAt, ...row }) => ({ ...row, startedAt, endedAt })),
      }
    },
  ),
]
