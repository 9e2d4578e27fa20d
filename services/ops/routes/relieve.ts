import { z } from 'zod'
import { previewRelief, type Relief, reliefLines, relieve, relieveAct } from '#services/operations/relieve.ts'
import { assertMeant, type Danger, dangerousBody, previewFor } from '../dangerous.ts'
import { route } from '../route.ts'

const params = z.object({ consumer: z.string().min(1).max(200) })
const path = '/api/consumers/:consumer/relieve'

/** Frozen processes and how each would be ended. If they change, the preview is outdated. */
const dangerOf = ({ consumer, frozen }: Relief): Danger => ({
  act: 'relieve',
  target: consumer,
  count: frozen.map(({ id, how }) => `${how} ${id}`).join(', '),
})

export const relieveRoutes = [
  route(
    'GET',
    path,
    {
      may: 'operator',
      params,
      answers: { 200: z.object({ token: z.string(), lines: z.array(z.string()), command: z.string() }) },
    },
    async ({ app, who, params }) => {
      const relief = await previewRelief(app.db, app.settings, params.consumer)
      const { command } = relieveAct(params.consumer)
      return { token: previewFor(who, dangerOf(relief)), lines: reliefLines(relief), command }
    },
  ),
  route(
    'POST',
    path,
    {
      may: 'operator',
      params,
      body: dangerousBody,
      answers: { 200: z.object({ summary: z.string(), isTakenOver: z.boolean() }) },
      refuses: { 409: 'The preview is not true any more' },
    },
    async ({ app, who, operate, params, body }) => {
      const relief = await previewRelief(app.db, app.settings, params.consumer)
      assertMeant(who, dangerOf(relief), body)
      return operate({ ...relieveAct(params.consumer), reason: body.reason }, () => relieve(app.db, relief))
    },
  ),
]
