import { z } from 'zod'
import { Answer } from '#platform/http/route.ts'
import { route } from '../route.ts'

const check = z.string().meta({ description: '`ok`, or why not in a few words' })

export const healthRoutes = [
  route(
    'GET',
    '/health',
    {
      summary: 'Whether the API can work',
      answers: {
        200: z.object({ status: z.literal('ok') }),
        503: z.object({ status: z.literal('unavailable'), checks: z.object({ reads: check, writes: check }) }),
      },
    },
    async ({ app }) => {
      const checks = await app.health.checks()
      if (checks.reads === 'ok' && checks.writes === 'ok') return { status: 'ok' as const }
      return new Answer(503, { status: 'unavailable', checks })
    },
  ),
]
