import { service } from '#platform/service.ts'
import { runAsking } from '../kit/asking.ts'
import { summaries } from './reactor.ts'

const name = 'summaries'

export default service(name, (log, _, metrics) =>
  runAsking('summary', { log, metrics }, { name, make: ({ settings }) => ({ reactor: summaries(settings.AI_ASK_FROM) }) }),
)
