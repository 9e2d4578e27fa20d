import type { AddressInfo } from 'node:net'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { buildApp } from 'fauxqs'

/** A store that speaks S3, with one bucket in it. */
export interface TestS3 {
  /** The environment that leads there. */
  env: {
    S3_BUCKET_NAME: string
    S3_ENDPOINT: string
    AWS_REGION: string
    AWS_ACCESS_KEY_ID: string
    AWS_SECRET_ACCESS_KEY: string
  }
  client: S3Client
  stop(): Promise<void>
}

export async function startS3(): Promise<TestS3> {
  const app = buildApp({ logger: false })
  // Its own start would listen on every interface of the machine.
  await app.listen({ port: 0, host: '127.0.0.1' })
  const env = {
    S3_BUCKET_NAME: 'things',
    S3_ENDPOINT: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'an id that only tests use',
    AWS_SECRET_ACCESS_KEY: 'a secret access key that only tests use',
  }
  const credentials = { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY }
  const client = new S3Client({ region: env.AWS_REGION, endpoint: env.S3_ENDPOINT, forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: env.S3_BUCKET_NAME }))
  return {
    env,
    client,
    async stop() {
      client.destroy()
      await app.close()
    },
  }
}
