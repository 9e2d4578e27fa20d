import { z } from 'zod'
import { wrongWith } from '../../pg/address.ts'
import { type Chapter, wholeNumber } from './kinds.ts'

const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// (or be unset: then an embedded Postgres is used)')
  .superRefine((url, { addIssue }) => {
    const message = /^postgres(ql)?:/.test(url) ? wrongWith(url) : undefined
    if (message) addIssue({ code: 'custom', message })
  })

const seconds = (max: number) => wholeNumber(`a whole number of seconds from 1 to ${max}`, 1, max)

export const database = {
  title: 'Database',
  about:
    'The three bounds hold for requests to the API and to the page for operators. A request that meets one is answered 503 with `Retry-After`. Rebuilds, replays, migrations and the command line have no bounds.',
  settings: {
    DB_URL: postgresUrl.optional().meta({
      description:
        'A Postgres of your own, in the form of libpq: several hosts, `?host=/folder` for a socket, `sslmode` (without it: no TLS). A pooler before it must keep sessions ([runbook](runbook.md#a-pooler-before-postgres)).',
      unset: 'an embedded Postgres',
      secret: true,
    }),
    DB_CONNECT_SECONDS: seconds(60).default(3).describe('Longest wait for a connection to the database.'),
    DB_LOCK_SECONDS: seconds(60).default(2).describe('Longest wait for one lock.'),
    DB_STATEMENT_SECONDS: seconds(300).default(10).describe('Longest time of one statement.'),
  },
} satisfies Chapter
