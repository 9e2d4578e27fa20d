import { startLocalAws } from '#platform/aws/local/index.ts'
import { readSettings } from '#platform/config/settings.ts'
import { service } from '#platform/service.ts'
import { queueMetrics } from '#platform/sqs/metrics.ts'

/** Serves S3 and SQS from the data folder, for machines without others. */
export default service('local-aws', async (log, _, metrics) => {
  const { url, queues, queueUrls, imported, stop } = await startLocalAws(readSettings(), (error) => {
    log.fatal({ error }, 'memory and file differ: ending, so that the next start reads the file')
    process.exit(1)
  })
  if (imported) log.info({ imported }, 'copied objects from the folder into the bucket')
  log.info({ url }, 'serving S3 and SQS')
  queueMetrics(metrics, queues, queueUrls)
  return { works: () => Promise.all(queueUrls.map((one) => queues.attributes(one))), stop }
})
