import { now } from '#platform/clock.ts'
import { joined } from '#platform/joined.ts'
import type { Db } from '#platform/pg/pool.ts'
import { service } from '#platform/service.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { openMedia } from '#projections/media.ts'
import { runReactor } from '../kit/reactor-service.ts'
import { mediaScheduler, NAME } from './reactor.ts'
import { askAgain, beginHearings } from './sweeps.ts'

export default service(NAME, (log, _, metrics) =>
  runReactor(NAME, { log, metrics }, async (ground) => {
    const { AI_ASK_FROM, MEDIA_FALLBACK, MEDIA_FALLBACK_DAILY, MEDIA_SILENCE_MINUTES } = ground.settings
    const url = ground.settings.SQS_TRANSCRIPTION_QUEUE_URL
    showJobs(ground.db, metrics)
    const reactor = mediaScheduler({ isOn: MEDIA_FALLBACK, from: AI_ASK_FROM })
    // Without a queue no job can be sent: videos keep waiting.
    if (!url) return { reactor }
    const queues = await openQueues(ground.settings)
    const sweeps = [
      ...(MEDIA_FALLBACK ? [beginHearings(ground, MEDIA_FALLBACK_DAILY)] : []),
      askAgain(ground, { queues, url, silenceMs: MEDIA_SILENCE_MINUTES * 60_000 }),
    ]
    return {
      reactor,
      async stop() {
        await Promise.all(sweeps.map((sweep) => sweep.stop()))
        queues.close()
      },
    }
  }),
)

function showJobs(db: Db, metrics: Metrics) {
  // Both metrics share one query.
  const open = joined(() => openMedia(db))
  metrics.gauge({ name: 'vidwiz_media_jobs', help: 'Jobs of media workers that have not ended', labels: ['status'] }, async () =>
    (await open()).map(({ status, jobs }) => ({ labels: { status }, value: jobs })),
  )
  metrics.gauge(
    {
      name: 'vidwiz_media_job_silence_seconds',
      help: 'Time since the last report of the job that has been silent for longest',
      labels: ['status'],
    },
    async () => (await open()).map(({ status, since }) => ({ labels: { status }, value: Math.max(0, (now() - since) / 1_000) })),
  )
}
