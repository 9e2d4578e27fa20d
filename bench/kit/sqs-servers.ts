import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import { startLocalAws } from '../../test/kit/local-aws.ts'
import { heard, start } from './child.ts'

/** An SQS server in a separate process. */
export interface Sqs {
  /** Environment of clients. */
  env: Record<string, string>
  stop(): unknown
}

/** As in `make start`: each answer waits for the disk. */
export async function dataFolder(): Promise<Sqs> {
  const local = await startLocalAws()
  return { env: local.env(), stop: local.stop }
}

/** In memory. @param delayMs simulated distance */
export async function memory(delayMs = 0): Promise<Sqs> {
  const server = start('memory-sqs-process.ts', [String(delayMs)], { flags: [] })
  const url = `http://127.0.0.1:${await heard<number>(server)}`
  const urlOf = (name: string) => `${url}/000000000000/${name}`
  const env = {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
    SQS_AI_NOTE_QUEUE_URL: urlOf('notes'),
    SQS_SUMMARY_QUEUE_URL: urlOf('summaries'),
  }
  const client = clientOf(env)
  for (const QueueName of ['notes', 'summaries']) await client.send(new CreateQueueCommand({ QueueName }))
  client.destroy()
  return { env, stop: () => server.kill() }
}

export const clientOf = ({ AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Sqs['env']) =>
  new SQSClient({
    region: AWS_REGION!,
    endpoint: AWS_ENDPOINT_URL!,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID!, secretAccessKey: AWS_SECRET_ACCESS_KEY! },
    useQueueUrlAsEndpoint: false,
  })
