import { withLocalAws } from '#platform/aws/local/where.ts'
import { readSettings } from '#platform/config/settings.ts'
import { openObjects } from '#platform/objects/open.ts'
import { type Start, service } from '#platform/service.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { openSound } from './sound/open.ts'
import { transcriberOf } from './transcriber/set-up.ts'
import { openTutor } from './tutor/tutor.ts'
import { queueUrlOf, startWorker } from './worker.ts'

/** Time a stop may take. */
const STOP_MS = 10_000

const start: Start = async (log, _, metrics) => {
  // Together with `make start` it uses the queue and objects in the data folder.
  const settings = withLocalAws(readSettings())
  // Fails early, before anything is installed.
  queueUrlOf(settings)
  const stopping = new AbortController()
  const transcriber = transcriberOf(settings, (notice) => log.info(notice), stopping.signal)
  const queues = await openQueues(settings)
  const objects = await openObjects(settings)
  const tutor = openTutor(settings)
  const worker = startWorker({ settings, log, metrics, queues, objects, transcriber, tutor, sound: openSound(settings) })
  return {
    works: worker.works!,
    async stop() {
      stopping.abort()
      await worker.stop()
      await transcriber.close()
      queues.close()
      objects.close()
    },
  }
}

export default service('gpu-worker', start, { stopMs: STOP_MS })
