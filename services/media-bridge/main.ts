import { service } from '#platform/service.ts'
import { runBridge } from '../kit/bridge-service.ts'
import { untilShown } from '../kit/door/where.ts'
import { mediaBridge } from './bridge.ts'
import { NAME } from './message.ts'

export default service(NAME, (log, _, metrics) =>
  runBridge(
    NAME,
    { log, metrics },
    {
      queues: { media: 'SQS_TRANSCRIPTION_QUEUE_URL' },
      purpose: 'where the jobs for media workers go',
      make: ({ execute, settings, db }, post) =>
        mediaBridge({ execute, post, watchUrl: settings.YOUTUBE_WATCH_URL, untilShown: (job) => untilShown(db, job) }),
    },
  ),
)
