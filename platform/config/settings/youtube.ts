import { type Chapter, httpUrl, text } from './kinds.ts'

export const youtube = {
  title: 'YouTube',
  settings: {
    YOUTUBE_API_KEY: text.meta({
      description: 'Key for the YouTube Data API, to find a video by its title.',
      unset: '`/v2/notes/by-title` answers 500',
      secret: true,
    }),
    YOUTUBE_API_URL: httpUrl
      .default('https://www.googleapis.com/youtube/v3')
      .transform((url) => url.replace(/\/+$/, ''))
      .describe('Address of the YouTube Data API.'),
    YOUTUBE_WATCH_URL: httpUrl
      .default('https://www.youtube.com/watch?v=')
      .describe('Address of a video without its id. Tests and demonstrations set another one.'),
  },
} satisfies Chapter
