import { destroyKafka, type LocalKafka, NoLocalKafka, startKafka } from '#platform/kafka/local/index.ts'
import { testFolder } from './parts/folder.ts'
import { kafkaWays } from './parts/kafka.ts'
import { afterAll, FIRST_START_MS, shared, without } from './parts/shared.ts'

const kafka = shared(kafkaWays)
const clusters: { stop(): Promise<void>; dataDir: string }[] = []

/**
 * Addresses of a Kafka shared by all tests of this run: KAFKA_BROKERS, or one that is started on first use and stops with the run.
 * Call it in `before`: where Kafka cannot run, it skips the tests, or fails with REQUIRE_KAFKA=1. Other tests use the same Kafka:
 * choose unique names for topics and groups.
 * @param test the `this` of the calling hook or test; without it, tests are not skipped and timeouts not raised
 */
export const kafkaBrokers = (test?: Mocha.Context): Promise<string> => kafka.address(test)

/**
 * A cluster of three brokers for one test, which may kill and restart them; always from jars. It ends with the run at the latest.
 * @param test as above
 */
export async function kafkaCluster(test: Mocha.Context): Promise<LocalKafka> {
  test.timeout(FIRST_START_MS)
  const dataDir = await testFolder('kafka', destroyKafka)
  try {
    const cluster = await startKafka({ dataDir, brokers: 3, log: console.error })
    clusters.push({ stop: cluster.stop, dataDir })
    return cluster
  } catch (error) {
    await destroyKafka(dataDir)
    if (error instanceof NoLocalKafka) return without(test, `no cluster of Kafka: ${error.message}`)
    throw error
  }
}

// Started for the whole run, not for one test.
if (process.env.VIDWIZ_TEST_LOG === 'kafka' && typeof before === 'function')
  before('start Kafka', async function () {
    await kafkaBrokers(this)
  })

/** Stops all that was started. Runs by itself at the end of a mocha run; benchmarks call it. */
export async function stopKafka() {
  await kafka.stop()
  for (const { stop, dataDir } of clusters.splice(0)) {
    await stop()
    await destroyKafka(dataDir)
  }
}
afterAll('stop Kafka', stopKafka)
