/**
 * Settles like `work`, or after `ms` with what `late` returns or throws. The work itself is not ended: give it a signal to end it.
 * An error of work that was given up is ignored.
 */
export async function within<T, L>(ms: number, work: Promise<T>, late: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<L>((resolve, reject) => {
    timer = setTimeout(() => {
      try {
        resolve(late())
      } catch (error) {
        reject(error)
      }
    }, ms)
  })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits until `work` settles, but at most `ms`, and ignores its errors: for closing what may hang. */
export const atMost = (ms: number, work: Promise<unknown> | undefined): Promise<void> =>
  within(ms, Promise.resolve(work).then(nothing, nothing), nothing)

/**
 * Settles like `work`, or rejects as soon as the signal aborts: for work that does not end by itself then. Its later errors are ignored.
 * @throws the reason of the signal
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Settles like `work`, or resolves with undefined as soon as the signal aborts: for a wait that a stop ends. */
export const untilAborted = <T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> =>
  unlessAborted(signal, work).catch((error) => {
    if (signal.aborted && error === signal.reason) return undefined
    throw error
  })

function nothing(): void {}
