import { useEffect, useState } from 'preact/hooks'
import { useSession } from './session.ts'

export interface Loaded<T> {
  value?: T
  error?: Error
  isLoading: boolean
  /** Loads again; the current value stays until then. */
  reload(): void
}

/**
 * Loads data for a screen, and again whenever `on` changes or a person signs in again. Late results are dropped.
 * @param load gets a signal that aborts once its result is no longer needed
 */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, on: readonly unknown[]): Loaded<T> {
  const { times } = useSession()
  const [round, setRound] = useState(0)
  const [loaded, set] = useState<Omit<Loaded<T>, 'reload'>>({ isLoading: true })
  useEffect(() => {
    const aborter = new AbortController()
    const { signal } = aborter
    set(({ error: _, ...before }) => ({ ...before, isLoading: true }))
    load(signal).then(
      (value) => signal.aborted || set({ value, isLoading: false }),
      (error: Error) => signal.aborted || set((before) => ({ ...before, error, isLoading: false })),
    )
    return () => aborter.abort()
  }, [...on, times, round])
  return { ...loaded, reload: () => setRound((n) => n + 1) }
}
