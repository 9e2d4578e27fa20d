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
      .datetime({ offset: true, error: 'must be a moment, as 2026-11-28T12:00:00Z' })
      .transform((moment) => Date.parse(moment))
      .optional()
      .meta({
        description:
          'Moment from which on notes and transcripts count, as `2026-11-28T12:00:00Z`. No model is asked about older ones: for adding these services to an old installation.',
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
      .describe('The process of a Lambda ends after so many minutes without a message.'),
  },
} satisfies Chapter
