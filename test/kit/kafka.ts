import { destroyKafka, type LocalKafka, NoLocalKafka, startKafka } from '#platform/kafka/local/index.ts'
import { testFolder } from './parts/folder.ts'
import { kafkaWays } from './parts/kafka.ts'
import { afterAll, FIRST_START_MS, shared, without } from './parts/shared.ts'

const kafka = shared(kafkaWays)
const clusters: { stop(): Promise<void>; dataDir: string }[] = []

/**
 * The address of a Kafka that all tests of this run share: the one of KAFKA_BROKERS, else one that the first test to ask starts
 * and that ends with the run. Call it in `before`: where none can run, it skips the tests, and with REQUIRE_KAFKA=1 they fail.
 * Topics and groups of other tests are there as well: name yours so that they are your own.
 * @param test the `this` of the hook or test that asks; without it there is nothing to skip, and nothing to give it more time
 */
export const kafkaBrokers = (test?: Mocha.Context): Promise<string> => kafka.address(test)

/**
 * Three brokers of the caller's own, to be killed and started again at will: always from jars. They end with the run, at the latest.
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

// Asked for not by one test but by the whole run.
if (process.env.VIDWIZ_TEST_LOG === 'kafka' && typeof before === 'function')
  before('start Kafka', async function () {
    await kafkaBrokers(this)
  })

/** Stops what was started. Called by itself at the end of a mocha run; a benchmark calls it. */
export async function stopKafka() {
  await kafka.stop()
  for (const { stop, dataDir } of clusters.splice(0)) {
    await stop()
    await destroyKafka(dataDir)
  }
}
afterAll('stop Kafka', stopKafka)
