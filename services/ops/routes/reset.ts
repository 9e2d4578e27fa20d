import { z } from 'zod'
import { positionOf } from '#services/operations/replays/past.ts'
import { previewReset, type ResetPreview, resetAct, resetAsShown } from '#services/operations/reset.ts'
import { assertMeant, dangerousBody, previewFor } from '../dangerous.ts'
import { route } from '../route.ts'

const consumer = z.object({ consumer: z.string().min(1).max(100) })
const anything = { 200: z.unknown() }

const dangerOf = ({ consumer, pos, again, never, letters }: ResetPreview) => ({
  act: 'reset',
  target: consumer,
  count: `to ${pos}: ${again} again, ${never} never, ${letters} letters`,
})

export const resetRoutes = [
  route(
    'GET',
    '/api/consumers/:consumer/reset',
    {
      may: 'operator',
      params: consumer,
      query: z
        .object({ position: z.coerce.number().int().min(0).optional(), at: z.iso.datetime({ offset: true }).optional() })
        .refine(({ position, at }) => (position === undefined) !== (at === undefined), 'Say either a position or a moment'),
      answers: anything,
    },
    async ({ app, who, params, query: { position, at } }) => {
      const pos = await positionOf(app.db, { pos: position, at: at === undefined ? undefined : Date.parse(at) })
      const preview = await previewReset(app.db, params.consumer, pos)
      const command = `npx vidwiz reset ${params.consumer} --to-position ${pos}`
      return { ...preview, target: params.consumer, command, token: previewFor(who, dangerOf(preview)) }
    },
  ),
  route(
    'POST',
    '/api/consumers/:consumer/reset',
    {
      may: 'operator',
      params: consumer,
      body: dangerousBody.extend({ position: z.int().min(0) }),
      answers: anything,
      refuses: { 409: 'The preview is not true any more' },
    },
    async ({ app, who, params, body: { position: pos, ...body }, operate }) => {
      const preview = await previewReset(app.db, params.consumer, pos)
      assertMeant(who, dangerOf(preview), body)
      return operate(resetAct(preview, body.reason), async () => {
        const { summary } = await resetAsShown(app.db, preview)
        return { result: { pos, again: preview.again, never: preview.never }, summary }
      })
    },
  ),
]
