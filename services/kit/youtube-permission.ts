import { setTimeout as sleep } from 'node:timers/promises'
import { endTrial, mayAsk, readBreaker, trialSucceeded } from '#platform/ytdlp/breaker.ts'

/** Whether this service may ask YouTube just now; it shares the answer with all others that have the same data folder. */
export interface Permission {
  /** Waits until it may. */
  permitted(onWait: (reason: string, until: number) => void): Promise<void>
  /** Aborted as soon as the breaker has opened or `signal` is. To be closed. */
  whilePermitted(): { signal: AbortSignal; close(): void }
  /** YouTube has answered: if this was the trial, others may ask as well. */
  answered(): Promise<void>
  end(): Promise<void>
}

const LOOK_MS = 1_000

export interface PermissionOptions {
  data: string
  /** Of this process alone. */
  who: string
  /** How long one task may take, with the wait for it. */
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
        // A person may close it at any time.
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
