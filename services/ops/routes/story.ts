import { z } from 'zod'
import { jsonOf } from '#services/operations/story/print.ts'
import { LIMIT, payloadOf, tell } from '#services/operations/story/tell.ts'
import { masked } from '../mask.ts'
import { route } from '../route.ts'

const MOST = 500

export const storyRoutes = [
  route(
    'GET',
    '/api/story',
    {
      may: 'viewer',
      query: z.object({
        of: z.string().trim().min(1).max(300),
        limit: z.coerce.number().int().min(1).max(MOST).default(LIMIT),
      }),
      answers: { 200: z.unknown() },
    },
    async ({ app, query: { of, limit } }) => {
      const { roots, known, ...story } = await tell(app, of, { limit, mask: masked })
      return {
        ...story,
        requests: jsonOf(roots, (event) => ({ ...known.get(event.id)!, data: masked(payloadOf(event)) })),
        command: `npx vidwiz story ${/^[\w-]+$/.test(of) ? of : `'${of.replaceAll("'", `'\\''`)}'`} --more`,
      }
    },
  ),
]
