import { changedSince } from '#platform/log/postgres/versions.ts'
import { service } from '#platform/service.ts'
import { runBridge } from '../kit/bridge-service.ts'
import { sqsBridge } from './bridge.ts'

export default service('sqs-bridge', (log, _, metrics) =>
  runBridge(
    'sqs-bridge',
    { log, metrics },
    {
      queues: { 'ai-notes': 'SQS_AI_NOTE_QUEUE_URL', summaries: 'SQS_SUMMARY_QUEUE_URL' },
      purpose: 'where the questions for models go',
      make: ({ db, execute }, post) => sqsBridge({ execute, changedSince: (seen) => changedSince(db, seen), post }),
    },
  ),
)
