import { join } from 'node:path'
import { dataFolder } from '#platform/config/data-folder.ts'
import { secrets } from '#platform/config/secrets.ts'
import { readSettings } from '#platform/config/settings.ts'
import { type Start, service } from '#platform/service.ts'
import { startRunner } from './runner.ts'

/** Less than the supervisor's time limit before it kills. */
const STOP_WITHIN_MS = 12_000

const start: Start = async (log, _, metrics) => {
  const settings = readSettings()
  const data = dataFolder(settings.VIDWIZ_DATA)
  return startRunner({
    settings,
    adminToken: settings.ADMIN_TOKEN ?? secrets(data).ADMIN_TOKEN,
    folder: join(data, 'lambdas'),
    log,
    metrics,
    stopWithinMs: STOP_WITHIN_MS,
  })
}

export default service('lambda-runner', start)
