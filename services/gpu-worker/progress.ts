import type { Logger } from '#platform/telemetry/logger.ts'
import type { Step } from './job-api.ts'

/** Progress of a job: logs each step and each tenth of it, and tells the API now and then. */
export interface Progress {
  /** Runs a step and reports its duration. */
  during<T>(step: Step, work: () => Promise<T>): Promise<T>
  /** Progress of the current step, from 0 to 1. */
  come(done: number): void
  /** Resolves when no report to the API is in flight, so that the next report is the last one. */
  end(): Promise<void>
}

export interface ProgressOptions {
  log: Logger
  everyMs: number
  /** Never rejects. */
  tell(step: Step, percent: number): Promise<void>
  onStep(step: Step, seconds: number): void
}

/** Reports even without a change: the reports show that a worker is alive on the job. */
export function openProgress({ log, everyMs, tell, onStep }: ProgressOptions): Progress {
  let under: { step: Step; percent: number } | undefined
  let telling: Promise<void> | undefined
  const ticking = setInterval(() => {
    if (!under || telling) return
    telling = tell(under.step, under.percent).finally(() => {
      telling = undefined
    })
  }, everyMs)
  return {
    async during(step, work) {
      const began = performance.now()
      under = { step, percent: 0 }
      log.info({ step }, `${step} begins`)
      try {
        const result = await work()
        const seconds = (performance.now() - began) / 1000
        log.info({ step, seconds: Math.round(seconds * 10) / 10 }, `${step} done`)
        onStep(step, seconds)
        return result
      } finally {
        under = undefined
      }
    },
    come(done) {
      if (!under || !Number.isFinite(done)) return
      const percent = Math.max(under.percent, Math.min(100, Math.floor(done * 100)))
      if (Math.floor(percent / 10) > Math.floor(under.percent / 10))
        log.info({ step: under.step, percent }, `${under.step} ${percent} %`)
      under.percent = percent
    },
    async end() {
      clearInterval(ticking)
      await telling
    },
  }
}
