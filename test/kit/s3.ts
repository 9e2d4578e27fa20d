import { S3Client } from '@aws-sdk/client-s3'
import { ensureBucket } from '#platform/objects/ensure.ts'
import { type Fauxqs, startFauxqs } from './fauxqs.ts'

/** An S3 server with one bucket. */
export interface TestS3 {
  /** Environment of clients. */
  env: { S3_BUCKET_NAME: string; S3_ENDPOINT: string } & Fauxqs['env']
  client: S3Client
  stop(): Promise<void>
}

export async function startS3(): Promise<TestS3> {
  const { url, access, env, stop } = await startFauxqs()
  await ensureBucket('things', access)
  const client = new S3Client({ ...access, forcePathStyle: true })
  return {
    env: { S3_BUCKET_NAME: 'things', S3_ENDPOINT: url, ...env },
    client,
    async stop() {
      client.destroy()
      await stop()
    },
  }
}
