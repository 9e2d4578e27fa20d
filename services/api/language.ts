import { z } from 'zod'
import { language } from '#events/media.ts'
import { rule } from '#platform/http/fields.ts'

const LONGEST = 35

/** The canonical form of a language tag, so that `PT-br` and `pt-BR` are one language; undefined when it is not one. */
function canonical(tag: string): string | undefined {
  try {
    return tag.length <= LONGEST && language.safeParse(tag).success ? Intl.getCanonicalLocales(tag)[0] : undefined
  } catch {
    return undefined
  }
}

/** A field that names a language. */
export const languageField = z
  .string()
  .refine((tag) => canonical(tag), rule('language must be a tag such as en or pt-BR'))
  .transform((tag) => canonical(tag)!)
  .meta({ examples: ['en'] })
