import type { Context } from 'aws-lambda'

/** What is left at the end for saying which messages failed: a function that runs out of time fails its whole batch. */
const FOR_THE_ANSWER_MS = 1_000

/** Aborted shortly before the function would be cut off. */
export function deadlineOf(context: Pick<Context, 'getRemainingTimeInMillis'>): AbortSignal {
  const leftMs = context.getRemainingTimeInMillis()
  // Half of it where there is next to nothing.
  const late = Math.max(leftMs - FOR_THE_ANSWER_MS, leftMs / 2)
  return AbortSignal.timeout(Math.max(1, Math.floor(late)))
}
