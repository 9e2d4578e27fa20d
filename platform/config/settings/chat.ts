import { type Chapter, wholeNumber } from './kinds.ts'

const messages = wholeNumber('a whole number of messages, 0 or more', 0, 1_000_000)

export const chat = {
  title: 'Chat with Wiz',
  settings: {
    WIZ_USER_DAILY_QUOTA: messages.default(20).describe('Messages that a user may send in a day (UTC).'),
    WIZ_GUEST_DAILY_QUOTA: messages.default(5).describe('Messages that a guest may send in a day (UTC).'),
    WIZ_REPLY_SECONDS: wholeNumber('a whole number of seconds from 1 to 600', 1, 600)
      .default(120)
      .describe('Longest time of a reply.'),
  },
} satisfies Chapter
