import { join } from 'node:path'
import { z } from 'zod'
import { Trouble } from '../trouble.ts'

const wholeNumber = (what: string, min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number({ error: `must be ${what}` }).pipe(
    z
      .int({ error: `must be ${what}` })
      .min(min, `must be ${what}`)
      .max(max, `must be ${what}`),
  )

/** So that tools find it from whatever folder they are called in. */
const BESIDE_THE_CODE = join(import.meta.dirname, '..', '..', '.vidwiz')

/** An empty value in the environment means "not set", as people write it in `.env` files. */
const schema = z.object({
  ENVIRONMENT: z.enum(['local', 'staging', 'production'], { error: 'must be local, staging or production' }).default('local'),
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber('a port from 0 to 65535', 0, 65_535).default(5000),
  VIDWIZ_DATA: z.string().default(BESIDE_THE_CODE),
  DB_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// (or be unset: then an embedded Postgres is used)')
    .refine((url) => URL.canParse(url), 'must be a URL (in a password, write # as %23 and so on)')
    .optional(),
  SECRET_KEY: z.string().optional(),
  ADMIN_TOKEN: z.string().optional(),
  JWT_EXPIRY_HOURS: wholeNumber('a whole number of hours, at least 1', 1, 24 * 366).default(24),
  MAX_BODY_BYTES: wholeNumber('a whole number of bytes, at least 1024', 1024).default(16 * 1024 * 1024),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'must be one of fatal, error, warn, info, debug, trace, silent',
    })
    .default('info'),
})

export type Settings = z.output<typeof schema>

/** The environment is not as it must be. `problems` names every variable that is wrong, never its value. */
export class SettingsError extends Trouble {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}

/**
 * Reads the environment, checks all of it at once.
 * @throws SettingsError naming every variable that is wrong
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const read = schema.safeParse(given)
  if (read.success) return read.data
  throw new SettingsError(read.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`))
}
