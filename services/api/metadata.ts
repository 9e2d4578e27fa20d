import { z } from 'zod'
import { rule } from '#platform/http/fields.ts'
import { finite } from './numbers.ts'

/** What YouTube says of a video, as workers send it. */
export const MetadataObject = z.record(z.string(), z.unknown()).refine(finite, rule('metadata must not contain NaN or Infinity'))
