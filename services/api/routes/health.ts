import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { Answer } from '#platform/http/route.ts'
import { route } from '../route.ts'

/** A database that takes longer is of no use to anybody. */
const PATIENCE_MS = 2000

export const healthRoutes = [
  route(
    'GET',
    '/health',
    {
      summary: 'Whether the API can work',
      answers: { 200: z.object({ status: z.literal('ok') }), 503: z.object({ status: z.literal('unavailable') }) },
    },
    async ({ db }) => {
      const patience = new AbortController()
      const answers = db.query('health', 'select 1').then(
        () => true,
        () => false,
      )
      const isOk = await Promise.race([answers, delay(PATIENCE_MS, false, { signal: patience.signal })])
      patience.abort()
      return isOk ? { status: 'ok' as const } : new Answer(503, { status: 'unavailable' })
    },
  ),
]
