import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { destroyKafka, type LocalKafka, LocalKafkaError, startKafka } from '#platform/kafka/local/index.ts'
import { MAX_MESSAGE_BYTES } from '#platform/kafka/message-bytes.ts'
import { commandLine, processesCalledWith } from '#platform/processes.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaBrokers, kafkaCluster } from '#test/kit/kafka.ts'
import { testFolder } from '#test/kit/parts/folder.ts'

const clientOf = (addresses: string) =>
  new Kafka({
    clientId: 'test',
    brokers: addresses.split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, retries: 15 },
  })

async function createTopic(addresses: string): Promise<string> {
  const topic = `test-${randomUUID()}`
  const admin = clientOf(addresses).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
  return topic
}

async function produce(addresses: string, topic: string, ...values: (string | Buffer)[]) {
  const producer = clientOf(addresses).producer({ idempotent: true })
  try {
    await producer.connect()
    for (const value of values) await producer.send({ topic, acks: -1, messages: [{ value }] })
  } finally {
    await producer.disconnect()
  }
}

/** The first values of a topic, as a group of its own reads them. */
async function consume(addresses: string, topic: string, count: number): Promise<string[]> {
  const consumer = clientOf(addresses).consumer({ groupId: `test-${randomUUID()}` })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    const values: string[] = []
    await new Promise<void>((resolve, reject) => {
      // A coordinator that is still loading crashes the consumer as well, but only to let it begin again.
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error)
      })
      consumer
        .run({
          eachMessage: async ({ message }) => {
            if (values.push(String(message.value)) === count) resolve()
          },
        })
        .catch(reject)
    })
    return values
  } finally {
    await consumer.disconnect()
  }
}

describe('a Kafka of this machine', function () {
  this.timeout(120_000)

  describe('shared by the tests of a run', () => {
    let addresses: string
    before(async function () {
      addresses = await kafkaBrokers(this)
    })

    it('keeps what is produced and hands it to consumers, in order', async () => {
      const topic = await createTopic(addresses)
      await produce(addresses, topic, 'one', 'two', 'three')
      expect(await consume(addresses, topic, 3)).to.deep.equal(['one', 'two', 'three'])
    })

    it('takes an event as large as the largest request body, and larger', async () => {
      const topic = await createTopic(addresses)
      const large = Buffer.alloc(MAX_MESSAGE_BYTES - 1024, 'x')
      await produce(addresses, topic, large)
      expect((await consume(addresses, topic, 1))[0]).to.have.length(large.length)
    })

    it('makes no topic that nobody asked for', async () => {
      const admin = clientOf(addresses).admin()
      await admin.connect()
      try {
        const refused = await admin.fetchTopicMetadata({ topics: [`test-${randomUUID()}`] }).catch((error) => error)
        expect(refused).to.be.an('error').with.property('type', 'UNKNOWN_TOPIC_OR_PARTITION')
      } finally {
        await admin.disconnect()
      }
    })
  })

  describe('from jars', () => {
    let dataDir: string
    let kafka: LocalKafka | undefined
    const start = async () => {
      kafka = await startKafka({ dataDir })
      return kafka
    }
    before(async function () {
      await kafkaBrokers(this) // where no Kafka runs, this is skipped as well
    })
    beforeEach(async () => {
      dataDir = await testFolder('kafka', destroyKafka)
    })
    afterEach(async () => {
      await kafka?.stop()
      await destroyKafka(dataDir)
    })

    it('has lost nothing when it was killed and started again, nor after a clean stop, and keeps its port', async () => {
      const first = await start()
      const [broker] = first.brokers
      const topic = await createTopic(first.addresses)
      await produce(first.addresses, topic, 'before')
      const { pid } = broker!
      await broker!.kill()
      expect(commandLine(pid!)).to.equal(undefined)
      await broker!.start()
      expect(broker!.pid).not.to.equal(pid)
      await produce(first.addresses, topic, 'after')
      const restarted = broker!.pid
      await first.stop()
      expect(commandLine(restarted!)).to.equal(undefined)
      const second = await start()
      expect(second.addresses).to.equal(first.addresses)
      expect(await consume(second.addresses, topic, 2)).to.deep.equal(['before', 'after'])
    })

    it('is stopped and started afresh when the process that ran it was killed', async () => {
      const script = `
        import { startKafka } from '#platform/kafka/local/index.ts'
        const kafka = await startKafka({ dataDir: process.argv[1] })
        process.stdout.write(String(kafka.brokers[0].pid))
        process.stdin.resume()`
      const elsewhere = spawn(
        process.execPath,
        [
          '--disable-warning=ExperimentalWarning',
          '--disable-warning=TimeoutNegativeWarning',
          '--input-type=module',
          '-e',
          script,
          dataDir,
        ],
        {
          cwd: join(import.meta.dirname, '..', '..', '..'),
          stdio: ['pipe', 'pipe', 'inherit'],
        },
      )
      const left = Number((await once(elsewhere.stdout, 'data'))[0])
      const refused = await start().catch((error) => error)
      expect(refused).to.be.instanceOf(LocalKafkaError).with.property('message').that.includes(`Process ${elsewhere.pid} runs`)

      elsewhere.kill('SIGKILL')
      await once(elsewhere, 'exit')
      expect(commandLine(left)).to.include('kafka.Kafka')
      const { brokers } = await start()
      expect(commandLine(left)).to.equal(undefined)
      expect(brokers[0]!.pid).not.to.equal(left)
    })

    it('says so when it ends by itself, and leaves nothing running when it is stopped while it starts', async () => {
      const said: string[] = []
      kafka = await startKafka({ dataDir, log: (line) => said.push(line) })
      const [broker] = kafka.brokers
      process.kill(broker!.pid!, 'SIGKILL')
      await eventually(() => expect(said.join()).to.include('broker 1 ended by itself'))
      expect(broker!.pid).to.equal(undefined)
      for (const momentMs of [0, 100, 300]) {
        const starting = broker!.start().catch((error) => error)
        await new Promise((resolve) => setTimeout(resolve, momentMs))
        await broker!.stop()
        expect(await starting)
          .to.be.instanceOf(LocalKafkaError)
          .with.property('message')
          .that.includes('was stopped')
        expect(processesCalledWith(`kafka.Kafka ${dataDir}/`)).to.deep.equal([])
      }
    })
  })

  describe('with three brokers', () => {
    let kafka: LocalKafka
    before(async function () {
      kafka = await kafkaCluster(this)
    })
    after(() => kafka?.stop())

    it('takes and gives records while one broker is dead', async () => {
      const topic = await createTopic(kafka.addresses)
      await produce(kafka.addresses, topic, 'with all')
      await kafka.brokers[0]!.kill()
      // Until its session ends, the others still send clients to the dead one.
      await eventually(() => produce(kafka.addresses, topic, 'without one'), { everyMs: 200 })
      expect(await consume(kafka.addresses, topic, 2)).to.deep.equal(['with all', 'without one'])
    })
  })
})
