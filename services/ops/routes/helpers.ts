import { z } from 'zod'
import { dataFolder } from '#platform/config/data-folder.ts'
import { helpersResumeAct, resumeHelpers } from '#services/operations/helpers.ts'
import { reason } from '../dangerous.ts'
import { route } from '../route.ts'

export const helpersRoutes = [
  route(
    'POST',
    '/api/helpers/resume',
    {
      may: 'operator',
      body: z.object({ reason }),
      answers: { 200: z.object({ summary: z.string() }) },
    },
    async ({ app, operate, body }) => ({
      summary: await operate({ ...helpersResumeAct, reason: body.reason }, () =>
        resumeHelpers(dataFolder(app.settings.VIDWIZ_DATA)),
      ),
    }),
  ),
]
