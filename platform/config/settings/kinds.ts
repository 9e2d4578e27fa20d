import { z } from 'zod'

/** What docs/configuration.md says about a setting. A setting defines it with `.describe()` or `.meta()`, last in its chain. */
declare module 'zod' {
  interface GlobalMeta {
    /** What happens while the setting is not set; needed when the schema has no default to show. */
    unset?: string
    /** The value is never printed. */
    secret?: true
  }
}

/** Settings about one subject: a chapter of docs/configuration.md. */
export interface Chapter {
  title: string
  /** Facts about several of its settings. */
  about?: string
  settings: Readonly<Record<string, z.ZodType>>
}

export const text = z.string().optional()

/** @param what completes the error message "must be …" */
export const wholeNumber = (what: string, min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number({ error: `must be ${what}` }).pipe(
    z
      .int({ error: `must be ${what}` })
      .min(min, `must be ${what}`)
      .max(max, `must be ${what}`),
  )

export const port = wholeNumber('a port from 0 to 65535', 0, 65_535)

/** Fractions are allowed; at most a week. */
export const minutes = z.coerce
  .number({ error: 'must be a number of minutes above 0' })
  .positive('must be a number of minutes above 0')
  .max(7 * 24 * 60, 'must be a number of minutes, a week at most')

export const flag = z
  .enum(['0', '1', 'false', 'true'], { error: 'must be 0 or 1' })
  .transform((value) => value === '1' || value === 'true')

/** A comma-separated list of names. */
export const names = z
  .string()
  .transform((list) => list.split(',').flatMap((name) => name.trim() || []))
  .default([])

export const httpUrl = z
  .string()
  .refine((url) => /^https?:/.test(url) && URL.canParse(url), 'must be a URL that begins with http:// or https://')
