import { CreateQueueCommand, DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { buildApp } from 'fauxqs'
import { freePort } from './free-port.ts'

/** A server that speaks SQS, with the two queues of the workers in it. */
export interface TestQueues {
  /** The environment that leads there. */
  env: {
    SQS_AI_NOTE_QUEUE_URL: string
    SQS_SUMMARY_QUEUE_URL: string
    SQS_ENDPOINT: string
    AWS_REGION: string
    AWS_ACCESS_KEY_ID: string
    AWS_SECRET_ACCESS_KEY: string
  }
  /** Takes what lies in a queue, until nothing more comes. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  take(url: string): Promise<any[]>
  /** Makes it unreachable; its messages are lost. */
  vanish(): Promise<void>
  /** Brings it back at the same address, empty. */
  comeBack(): Promise<void>
  stop(): Promise<void>
}

/** @param away not reachable until `comeBack` */
export async function startQueues({ away = false } = {}): Promise<TestQueues> {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const credentials = { accessKeyId: 'an id that only tests use', secretAccessKey: 'a secret access key that only tests use' }
  const client = new SQSClient({ region: 'eu-west-1', endpoint, credentials, useQueueUrlAsEndpoint: false })
  const urlOf = (name: string) => `${endpoint}/000000000000/${name}`
  let app: ReturnType<typeof buildApp> | undefined

  async function comeBack() {
    app = buildApp({ logger: false })
    await app.listen({ port, host: '127.0.0.1' })
    for (const QueueName of ['ai-notes', 'summaries']) await client.send(new CreateQueueCommand({ QueueName }))
  }
  async function vanish() {
    await app?.close()
    app = undefined
  }
  if (!away) await comeBack()
  return {
    env: {
      SQS_AI_NOTE_QUEUE_URL: urlOf('ai-notes'),
      SQS_SUMMARY_QUEUE_URL: urlOf('summaries'),
      SQS_ENDPOINT: endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    async take(QueueUrl) {
      const bodies: unknown[] = []
      for (;;) {
        const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
        if (Messages.length === 0) return bodies
        bodies.push(...Messages.map(({ Body }) => JSON.parse(Body!)))
        const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }))
        await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
      }
    },
    vanish,
    comeBack,
    async stop() {
      client.destroy()
      await vanish()
    },
  }
}
