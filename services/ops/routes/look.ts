import { z } from 'zod'
import { openBell } from '#platform/bell.ts'
import { EventStream, eventStream } from '#platform/http/stream.ts'
import type { Look } from '#services/operations/look.ts'
import { route } from '../route.ts'

export const lookRoutes = [
  route('GET', '/api/look', { may: 'viewer', answers: { 200: z.unknown() } }, async ({ app }) => app.sampler.latest()),
  route(
    'GET',
    '/api/live',
    { may: 'viewer', answers: { 200: eventStream } },
    async ({ app }) =>
      new EventStream(async (out) => {
        let newest: Look | undefined
        const bell = openBell()
        const stop = app.sampler.watch((look) => {
          newest = look
          bell.ring()
        })
        out.gone.addEventListener('abort', bell.ring)
        try {
          while (!out.gone.aborted) {
            await bell.wait()
            bell.hush()
            if (!newest || out.gone.aborted) continue
            const look = newest
            newest = undefined
            // A slow reader gets the newest look and misses those in between.
            await out.send(frameOf(look))
          }
        } finally {
          stop()
        }
      }),
  ),
]

/** Each look is serialized once for all who watch. */
const frames = new WeakMap<Look, string>()

function frameOf(look: Look): string {
  const known = frames.get(look)
  if (known !== undefined) return known
  const frame = `id: ${look.at}\nevent: look\ndata: ${JSON.stringify(look)}\n\n`
  frames.set(look, frame)
  return frame
}
