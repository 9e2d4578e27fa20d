import { Content, content } from '#platform/http/content.ts'
import { admin } from '../auth/guards.ts'
import { route } from '../route.ts'

/** The media type of Prometheus' text format. */
const TEXT = 'text/plain; version=0.0.4; charset=utf-8'

export const metricsRoutes = [
  route(
    'GET',
    '/v2/internal/metrics',
    { summary: 'Read the figures of this process, as Prometheus does', auth: admin, answers: { 200: content(TEXT) } },
    async ({ app: { metrics } }) => new Content(TEXT, await metrics.read(), ['Cache-Control', 'no-store']),
  ),
]
