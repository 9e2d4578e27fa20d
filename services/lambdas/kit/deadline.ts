import type { Context } from 'aws-lambda'

/** Reserved for reporting which messages failed: a function that times out fails its whole batch. */
const FOR_THE_ANSWER_MS = 1_000

/** Aborts shortly before the function times out. */
export function deadlineOf(context: Pick<Context, 'getRemainingTimeInMillis'>): AbortSignal {
  const leftMs = context.getRemainingTimeInMillis()
  // If hardly any time is left, reserve only half of it.
  const late = Math.max(leftMs - FOR_THE_ANSWER_MS, leftMs / 2)
  return AbortSignal.timeout(Math.max(1, Math.floor(late)))
}
