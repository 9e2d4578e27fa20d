import { foreground } from './foreground.ts'
import { startKafka } from './index.ts'
import { usual } from './usual.ts'

/** Runs brokers in the foreground until Ctrl-C, for `make kafka` and, with the argument 3, `make kafka-cluster`. */
const brokers = process.argv[2] === '3' ? 3 : 1
const { folder, ports } = usual(brokers)

await foreground(folder, async (dataDir) => {
  const { addresses, stop } = await startKafka({ dataDir, brokers, ports, log: console.error })
  return { env: `KAFKA_BROKERS=${addresses}`, stop }
})
