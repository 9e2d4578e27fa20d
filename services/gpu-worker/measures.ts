import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { Ending } from './ending.ts'
import type { Step } from './job-api.ts'

/** Metrics of a worker. */
export interface Measures {
  ended(outcome: Ending['kind'] | 'poison' | 'given-up'): void
  heard(seconds: number): void
  step(step: Step, seconds: number): void
}

/**
 * @param isBusy whether the worker has a job
 */
export function openMeasures(metrics: Metrics, isBusy: () => boolean): Measures {
  const jobs = metrics.counter({
    name: 'vidwiz_media_jobs_total',
    help: 'Messages that media workers received, by outcome',
    labels: ['outcome'],
  })
  const heard = metrics.counter({
    name: 'vidwiz_media_heard_seconds_total',
    help: 'Seconds of sound that were transcribed',
    labels: [],
  })
  const steps = metrics.histogram({
    name: 'vidwiz_media_step_seconds',
    help: 'How long the steps of a media job took',
    labels: ['step'],
    buckets: [1, 5, 15, 60, 180, 600, 1_800, 3_600, 7_200, 14_400],
  })
  metrics.gauge({ name: 'vidwiz_media_busy', help: '1 while a media worker has a job in hand', labels: [] }, () => [
    { labels: {}, value: isBusy() ? 1 : 0 },
  ])
  return {
    ended: (outcome) => jobs({ outcome }),
    heard: (seconds) => heard({}, seconds),
    step: (step, seconds) => steps({ step }, seconds),
  }
}
