import type { AddressInfo } from 'node:net'
import { buildApp } from 'fauxqs'
import type { AwsAccess } from '#platform/aws/access.ts'

/** An S3 and SQS server, empty at first, in memory only. */
export interface Fauxqs {
  url: string
  access: Required<AwsAccess>
  /** Environment for clients, without the endpoint: S3 and SQS each have their own variable for it. */
  env: { AWS_REGION: string; AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string }
  stop(): Promise<void>
}

/**
 * @param port default: any free one
 */
export async function startFauxqs({ port = 0 } = {}): Promise<Fauxqs> {
  const app = buildApp({ logger: false })
  // The library's own start would listen on all interfaces.
  await app.listen({ port, host: '127.0.0.1' })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return { ...fauxqsAt(url), stop: () => app.close() }
}

/** URL and credentials of a server on a given address, whether it runs or not. */
export function fauxqsAt(url: string): Omit<Fauxqs, 'stop'> {
  const region = 'eu-west-1'
  const credentials = { accessKeyId: 'an id that only tests use', secretAccessKey: 'a secret access key that only tests use' }
  const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = credentials
  return {
    url,
    access: { region, endpoint: url, credentials },
    env: { AWS_REGION: region, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
  }
}
