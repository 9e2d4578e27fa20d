import { setTimeout as sleep } from 'node:timers/promises'
import { endTrial, mayAsk, readBreaker, trialSucceeded } from '#platform/ytdlp/breaker.ts'

/** Whether this service may ask YouTube at the moment. All services with the same data folder share the breaker. */
export interface Permission {
  /** Waits for the permission. */
  permitted(onWait: (reason: string, until: number) => void): Promise<void>
  /** The signal aborts when the breaker opens or the service stops. Must be closed. */
  whilePermitted(): { signal: AbortSignal; close(): void }
  /** Call after an answer of YouTube: if the breaker was on trial, it closes for all. */
  answered(): Promise<void>
  end(): Promise<void>
}

const LOOK_MS = 1_000

export interface PermissionOptions {
  data: string
  /** Unique to this process. */
  who: string
  /** Maximum time for a task, including the wait for it. */
  trialMs: number
  signal: AbortSignal
}

export function youtubePermission({ data, who, trialMs, signal }: PermissionOptions): Permission {
  return {
    async permitted(onWait) {
      let told: number | undefined
      while (!(await mayAsk(data, who, trialMs))) {
        const breaker = readBreaker(data)
        if (breaker.state !== 'closed' && breaker.until !== told) {
          told = breaker.until
          onWait(breaker.reason, breaker.until)
        }
        // Polls, because a person may close the breaker at any time.
        await sleep(LOOK_MS, undefined, { signal })
      }
    },
    whilePermitted() {
      const opened = new AbortController()
      const look = setInterval(() => {
        if (readBreaker(data).state === 'open') opened.abort()
      }, LOOK_MS)
      return { signal: AbortSignal.any([signal, opened.signal]), close: () => clearInterval(look) }
    },
    answered: () => trialSucceeded(data, who),
    end: () => endTrial(data, who),
  }
}
