import { readSettings } from '#platform/config/settings.ts'
import { openObjects } from '#platform/objects/open.ts'
import { runServices, service } from '#platform/service.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { openSound } from '#services/gpu-worker/sound/open.ts'
import { startWorker } from '#services/gpu-worker/worker.ts'
import { scriptedPorts } from './scripted.ts'

/** A worker as a process of its own, with what hears and teaches elsewhere. */
await runServices([
  service('gpu-worker', async (log, _, metrics) => {
    const settings = readSettings()
    return startWorker({
      settings,
      log,
      metrics,
      queues: await openQueues(settings),
      objects: await openObjects(settings),
      sound: openSound(settings),
      ...scriptedPorts(process.env.SCRIPTED_URL!),
      times: { progressMs: 200, againSeconds: () => 1, restMs: () => 200 },
    })
  }),
])
