import { z } from 'zod'
import { REQUEST_KINDS } from '#events/ai.ts'
import { givenUp, redriveRequests, requestsRedriveAct } from '#services/operations/requests.ts'
import { assertMeant, type Danger, dangerousBody, previewFor, reason } from '../dangerous.ts'
import type { App } from '../deps.ts'
import { route } from '../route.ts'

const name = z.string().regex(/^(note-[1-9]\d{0,15}|summary-[\w-]{11})$/, 'must be a request, as note-42')
const params = z.object({ kind: z.enum(REQUEST_KINDS) })

/** Counts given-up requests: redriving asks a model once for each. */
const dangerOf = async ({ db }: App, kind: string): Promise<Danger> => ({
  act: 'redrive-requests',
  target: kind,
  count: (await givenUp(db, kind)).length,
})

const Redriven = z.object({
  summary: z.string(),
  requests: z.array(z.object({ request: z.string(), isAsked: z.boolean(), text: z.string() })),
})

export const requestsRoutes = [
  route(
    'POST',
    '/api/requests/redrive',
    { may: 'operator', body: z.object({ requests: z.array(name).min(1).max(100), reason }), answers: { 200: Redriven } },
    async ({ app, who, operate, body: { requests: names, reason } }) =>
      operate({ ...requestsRedriveAct(names), reason }, () => redriven(app, names, who.name)),
  ),
  route(
    'GET',
    '/api/requests/:kind/redrive',
    { may: 'operator', params, answers: { 200: z.object({ token: z.string(), count: z.number(), command: z.string() }) } },
    async ({ app, who, params: { kind } }) => {
      const danger = await dangerOf(app, kind)
      return { token: previewFor(who, danger), count: Number(danger.count), command: requestsRedriveAct([kind]).command }
    },
  ),
  route(
    'POST',
    '/api/requests/:kind/redrive',
    { may: 'operator', params, body: dangerousBody, answers: { 200: Redriven } },
    async ({ app, who, operate, params: { kind }, body }) => {
      assertMeant(who, await dangerOf(app, kind), body)
      return operate({ ...requestsRedriveAct([kind]), reason: body.reason }, () => redriven(app, [kind], who.name))
    },
  ),
]

async function redriven(app: App, names: string[], who: string) {
  const { result: requests, summary } = await redriveRequests(app, names, `operator:${who}`)
  return { result: { requests, summary }, summary }
}
