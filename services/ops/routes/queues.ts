import { z } from 'zod'
import { nameOf } from '#platform/sqs/queues.ts'
import { pairOf, type QueueWithDead, queueRedriveAct, redriveQueue, withQueues } from '#services/operations/queues.ts'
import { assertMeant, type Danger, dangerousBody, previewFor } from '../dangerous.ts'
import { route } from '../route.ts'

const params = z.object({ queue: z.string().max(200) })

/** Messages in flight count too: they are sent back once they are visible again. */
const dangerOf = ({ source, dead }: QueueWithDead): Danger => {
  const { visible, inFlight, delayed } = dead.attributes
  return { act: 'redrive-queue', target: nameOf(source.url), count: visible + inFlight + delayed }
}

export const queuesRoutes = [
  route(
    'GET',
    '/api/queues/:queue/redrive',
    {
      may: 'operator',
      params,
      answers: {
        200: z.object({ token: z.string(), count: z.number(), from: z.string(), command: z.string() }),
      },
    },
    async ({ app, who, params }) =>
      withQueues(async (queues, settings) => {
        const pair = await pairOf(queues, settings, params.queue)
        const danger = dangerOf(pair)
        const { command } = queueRedriveAct(pair)
        return { token: previewFor(who, danger), count: Number(danger.count), from: nameOf(pair.dead.url), command }
      }, app.settings),
  ),
  route(
    'POST',
    '/api/queues/:queue/redrive',
    {
      may: 'operator',
      params,
      body: dangerousBody,
      answers: { 200: z.object({ summary: z.string(), stopped: z.string().optional() }) },
    },
    async ({ app, who, operate, params, body }) =>
      withQueues(async (queues, settings) => {
        const pair = await pairOf(queues, settings, params.queue)
        assertMeant(who, dangerOf(pair), body)
        return operate({ ...queueRedriveAct(pair), reason: body.reason }, () => redriveQueue(queues, pair))
      }, app.settings),
  ),
]
