import { type Chapter, flag, httpUrl, text, wholeNumber } from './kinds.ts'

const KEPT = 'generated once, kept in the data folder (mode 0600)'

export const accounts = {
  title: 'Accounts and tokens',
  settings: {
    SECRET_KEY: text.meta({ description: 'Key that signs the tokens of users.', unset: KEPT, secret: true }),
    ADMIN_TOKEN: text.meta({ description: 'Token of workers for the internal API.', unset: KEPT, secret: true }),
    JWT_EXPIRY_HOURS: wholeNumber('a whole number of hours, at least 1', 1, 24 * 366)
      .default(24)
      .describe('How long a login lasts.'),
    GOOGLE_CLIENT_ID: text.meta({
      description: 'Id of this application at Google, for sign-in with Google.',
      unset: '`/v2/auth/google` answers 500',
    }),
    GOOGLE_CERTS_URL: httpUrl
      .default('https://www.googleapis.com/oauth2/v3/certs')
      .describe('URL of the keys with which Google signs (a JWK set).'),
    AI_NOTES_AT_SIGN_UP: flag.default(false).describe('1: new accounts begin with notes by AI turned on.'),
  },
} satisfies Chapter
