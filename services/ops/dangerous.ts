import { z } from 'zod'
import { invalid } from '#platform/http/errors.ts'
import type { Who } from './access.ts'
import { issue, redeem } from './previews.ts'

/** Why an operator does something, in their own words. */
export const reason = z.string().trim().min(3).max(500)

/** Body of a dangerous request: the preview's token, a reason, and the target's name as typed by the operator. */
export const dangerousBody = z.object({ token: z.string().max(500), reason, name: z.string().max(500) })

/** A dangerous act and what it would currently affect. */
export interface Danger {
  act: string
  target: string
  /** Extent of the change. If it differs from the preview, the act is refused. */
  count: number | string
}

/** Token for a preview; it must be sent back to perform the act. */
export const previewFor = (who: Who, { act, target, count }: Danger): string => issue({ act, target, count, by: who.key })

/**
 * Checks that a dangerous act may proceed. If it throws, nothing was done.
 * @throws HttpError 422 when the typed name is not the target's; 409 when the preview is outdated, was used or belongs to another
 *   session
 */
export function assertMeant(who: Who, { act, target, count }: Danger, body: z.output<typeof dangerousBody>): void {
  if (body.name !== target)
    throw invalid([{ field: 'body.name', message: `Type ${target} to show that you mean it`, type: 'name_mismatch' }])
  redeem(body.token, { act, target, count, by: who.key })
}
