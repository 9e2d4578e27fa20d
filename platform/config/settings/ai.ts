import { z } from 'zod'
import { type Chapter, flag, httpUrl, minutes, wholeNumber } from './kinds.ts'

export const ai = {
  title: 'Notes and summaries by AI',
  about:
    'The Lambdas also take the settings that they have in AWS: `MAX_RETRIES` (3), `REQUEST_TIMEOUT` (30 seconds), `MIN_NOTE_LENGTH` (40) and so on. `services/lambdas/kit/environment.ts` has them all.',
  settings: {
    AI_ANSWER_MINUTES: minutes
      .default(15)
      .describe('How long a worker has for a note or a summary. Then it is asked for again, three times in all.'),
    AI_ASK_FROM: z.iso
      .datetime({ offset: true, error: 'must be a moment, such as 2026-11-28T12:00:00Z' })
      .transform((moment) => Date.parse(moment))
      .optional()
      .meta({
        description:
          'No model is asked about notes and transcripts older than this moment, such as `2026-11-28T12:00:00Z`. Set it when you add these services to an old installation.',
        unset: 'all count',
      }),
    AI_NOTES_BACKFILL: flag
      .default(false)
      .describe('1: a user who turns notes by AI on gets the text of older empty notes too, 100 at most.'),
    VIDWIZ_ENDPOINT: httpUrl.optional().meta({
      description: 'Address at which the Lambdas find the API, without `/v2`.',
      unset: '`HOST` and `PORT`',
    }),
    LAMBDA_IDLE_MINUTES: wholeNumber('a whole number of minutes, at least 1', 1, 24 * 60)
      .default(5)
      .describe('Minutes without a message after which the process of a Lambda ends.'),
  },
} satisfies Chapter
