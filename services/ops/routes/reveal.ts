import { z } from 'zod'
import { reveal, revealAct } from '#services/operations/reveal.ts'
import { reason } from '../dangerous.ts'
import { route } from '../route.ts'

const what = z.union([
  z.strictObject({ event: z.uuid() }),
  z.strictObject({ letter: z.object({ consumer: z.string().max(100), pos: z.int().min(0) }) }),
  z.strictObject({ row: z.object({ view: z.string().max(100), id: z.string().max(200) }) }),
])

export const revealRoutes = [
  route(
    'POST',
    '/api/reveal',
    { may: 'operator', body: z.object({ what, reason }), answers: { 200: z.object({ payload: z.unknown() }) } },
    async ({ app, body, operate }) => ({
      payload: await operate(revealAct(body.what, body.reason), () => reveal(app.db, body.what)),
    }),
  ),
]
