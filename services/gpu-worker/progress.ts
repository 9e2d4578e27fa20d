import type { Logger } from '#platform/telemetry/logger.ts'
import type { Step } from './job-api.ts'

/** How far a job has come: one line in the log for each step and each tenth of it, and the API is told now and then. */
export interface Progress {
  /** Does a step, and says how long it took. */
  during<T>(step: Step, work: () => Promise<T>): Promise<T>
  /** Of the step that is under way, from 0 to 1. */
  come(done: number): void
  /** Resolves when nobody is being told any more, so that what is told next is the last word. */
  end(): Promise<void>
}

export interface ProgressOptions {
  log: Logger
  everyMs: number
  /** Never rejects. */
  tell(step: Step, percent: number): Promise<void>
  onStep(step: Step, seconds: number): void
}

/** Told again also when nothing has changed: it is how others know that somebody works on the job. */
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
