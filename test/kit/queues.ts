import { sqsQueues } from '#platform/sqs/sqs.ts'
import { type Fauxqs, fauxqsAt, startFauxqs } from './fauxqs.ts'
import { freePort } from './free-port.ts'

/** An SQS server with the workers' queues. */
export interface TestQueues {
  /** Environment of clients. */
  env: {
    SQS_AI_NOTE_QUEUE_URL: string
    SQS_SUMMARY_QUEUE_URL: string
    SQS_TRANSCRIPTION_QUEUE_URL: string
    SQS_ENDPOINT: string
  } & Fauxqs['env']
  /** Receives and removes messages until the queue is empty. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  take(url: string): Promise<any[]>
  /** Makes it unreachable; its messages are lost. */
  vanish(): Promise<void>
  /** Restarts it at the same address, empty. */
  comeBack(): Promise<void>
  stop(): Promise<void>
}

/**
 * @param away start unreachable, until `comeBack`
 */
export async function startQueues({ away = false } = {}): Promise<TestQueues> {
  const port = await freePort()
  const { url, access, env } = fauxqsAt(`http://127.0.0.1:${port}`)
  const queues = sqsQueues(access)
  const urlOf = (name: string) => `${url}/000000000000/${name}`
  let server: Fauxqs | undefined

  async function comeBack() {
    server = await startFauxqs({ port })
    for (const name of ['ai-notes', 'summaries', 'media']) await queues.create(name)
  }
  async function vanish() {
    await server?.stop()
    server = undefined
  }
  if (!away) await comeBack()
  return {
    env: {
      SQS_AI_NOTE_QUEUE_URL: urlOf('ai-notes'),
      SQS_SUMMARY_QUEUE_URL: urlOf('summaries'),
      SQS_TRANSCRIPTION_QUEUE_URL: urlOf('media'),
      SQS_ENDPOINT: url,
      ...env,
    },
    async take(queueUrl) {
      const bodies: unknown[] = []
      for (;;) {
        const received = await queues.receive(queueUrl)
        if (received.length === 0) return bodies
        bodies.push(...received.map(({ body }) => JSON.parse(body)))
        await queues.delete(
          queueUrl,
          received.map(({ receipt }) => receipt),
        )
      }
    },
    vanish,
    comeBack,
    async stop() {
      queues.close()
      await vanish()
    },
  }
}
