import { z } from 'zod'
import { type TrustedProxies, trustedProxies } from '../../http/client-address.ts'
import { type Chapter, flag, wholeNumber } from './kinds.ts'

/** For example `60/10`: sixty in ten seconds. */
const limit = (of: string) =>
  z
    .string()
    .regex(/^[1-9]\d{0,8}\/[1-9]\d{0,4}$/, 'must be a number of requests per number of seconds, such as 600/60')
    .transform((text) => {
      const [limit, seconds] = text.split('/').map(Number) as [number, number]
      return { limit, windowMs: seconds * 1000 }
    })
    .optional()
    .meta({ description: `Limit of ${of}.`, unset: 'by `ENVIRONMENT`' })

const proxies = z.string().transform((text, { issues }): TrustedProxies => {
  try {
    return trustedProxies(text)
  } catch {
    issues.push({ code: 'custom', message: 'must be a number of proxies or a list of their networks', input: text })
    return z.NEVER
  }
})

export const requests = {
  title: 'Limits of requests',
  about:
    'A limit is written `600/60`: 600 in 60 seconds. [Rate limits](decisions/rate-limits.md) has the defaults of each `ENVIRONMENT`.',
  settings: {
    TRUST_PROXY: proxies.default(0).meta({
      description:
        'Proxies before the API and the page for operators: their number (`1`) or their networks (`10.0.0.0/8, loopback`). Only they may say from which address a request comes.',
      unset: 'none',
    }),
    RATE_LIMIT_USER: limit('requests of a signed-in user'),
    RATE_LIMIT_ADDRESS: limit('requests of an address, for everybody else'),
    RATE_LIMIT_LOGIN: limit('logins from an address'),
    RATE_LIMIT_REGISTER: limit('registrations from an address'),
    RATE_LIMIT_GOOGLE: limit('sign-ins with Google from an address'),
    RATE_LIMIT_ACCOUNT: limit('wrong passwords for an account'),
    RATE_LIMIT_TITLE: limit('titles of a user that YouTube must be asked for'),
    RATE_LIMIT_DISABLED: flag.default(false).describe('1: no limits at all.'),
    // The maximum must fit into an event on Kafka (see max.message.bytes of the topics).
    MAX_BODY_BYTES: wholeNumber('a whole number of bytes from 1024 to 16777216', 1024, 16 * 1024 * 1024)
      .default(16 * 1024 * 1024)
      .describe('Larger request bodies are refused with 413. Most routes take less ([routes](routes.md)).'),
  },
} satisfies Chapter
