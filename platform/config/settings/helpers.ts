import { z } from 'zod'
import { type Chapter, httpUrl, text, wholeNumber } from './kinds.ts'

const upToAnHour = wholeNumber('a whole number of seconds from 1 to 3600', 1, 3600)

export const helpers = {
  title: 'Tasks and helpers',
  about:
    'A task is to fetch the transcript or the metadata of a video. Helpers claim tasks and run yt-dlp. `npx vidwiz run transcript-helper --timeout 30 --api-url …` sets `HELPER_POLL_SECONDS` and `API_URL` for one helper.',
  settings: {
    TASK_LEASE_SECONDS: wholeNumber('a whole number of seconds, at least 1', 1, 24 * 3600)
      .default(120)
      .describe('How long a worker has for one attempt at a task.'),
    TASK_COOLDOWN_SECONDS: wholeNumber('a whole number of seconds, at least 0', 0, 24 * 3600)
      .default(1)
      .describe(
        'How long a video rests after a task that found nothing. Each further such task makes the rest five times longer, up to a day.',
      ),
    API_URL: httpUrl.optional().meta({
      description: 'Address at which helpers and media workers find the API, without `/v2`.',
      unset: 'this machine’s',
    }),
    HELPER_POLL_SECONDS: upToAnHour
      .default(30)
      .describe('How long a helper waits for a task before it asks again. The API waits for a minute at most.'),
    YTDLP_PATH: text.meta({ description: 'A yt-dlp of your own.', unset: 'installed into the data folder' }),
    YTDLP_COOKIES: text.meta({ description: 'File with cookies for YouTube, in Netscape’s format.', unset: 'none' }),
    YTDLP_PROXY: z
      .string()
      .refine(
        (url) => /^(https?|socks(4a?|5h?)):\/\//.test(url) && URL.canParse(url),
        'must be a URL that begins with http(s):// or socks…://',
      )
      .optional()
      .meta({ description: 'Proxy through which yt-dlp reaches YouTube: `http(s)://` or `socks…://`.', unset: 'none' }),
    YTDLP_EXTRACTOR_ARGS: z
      .string()
      .regex(/^\s*[\w-]+:\S+(\s+[\w-]+:\S+)*\s*$/, 'must be extractor:argument=value;…, with blanks between several')
      .optional()
      .meta({ description: 'Arguments for extractors of yt-dlp, as `youtube:player_client=…`.', unset: 'none' }),
    YTDLP_TASK_SECONDS: upToAnHour
      .default(100)
      .describe('Longest time of a helper’s task. It must be less than `TASK_LEASE_SECONDS`.'),
  },
} satisfies Chapter
