import { usualPolicy } from '#events/task.ts'
import { service } from '#platform/service.ts'
import { runReactor } from '../kit/reactor-service.ts'
import { fetchScheduler } from './reactor.ts'

export default service('fetch-scheduler', (log, _, metrics) =>
  runReactor('fetch-scheduler', { log, metrics }, ({ settings }) => ({
    reactor: fetchScheduler({ ...usualPolicy, restMs: settings.TASK_COOLDOWN_SECONDS * 1_000 }),
  })),
)
