import {
  BucketAlreadyOwnedByYou,
  type BucketLocationConstraint,
  CreateBucketCommand,
  HeadBucketCommand,
  NotFound,
  S3Client,
} from '@aws-sdk/client-s3'
import type { AwsAccess } from '#platform/aws/access.ts'

/** The one region that AWS does not accept as LocationConstraint. */
const FIRST_REGION = 'us-east-1'

/** Creates a bucket if it does not exist. @returns true if it was created now */
export const ensureBucket = (Bucket: string, access: AwsAccess): Promise<boolean> =>
  withClient(access, async (client) => {
    if (await exists(client, Bucket)) return false
    const LocationConstraint = access.region as BucketLocationConstraint
    const place = access.region === FIRST_REGION ? {} : { CreateBucketConfiguration: { LocationConstraint } }
    try {
      await client.send(new CreateBucketCommand({ Bucket, ...place }))
      return true
    } catch (error) {
      if (error instanceof BucketAlreadyOwnedByYou) return false
      throw error
    }
  })

/** True when the bucket exists and we may use it. @throws errors of S3 or of the connection */
export const isBucketThere = (Bucket: string, access: AwsAccess): Promise<boolean> =>
  withClient(access, (client) => exists(client, Bucket))

async function withClient<T>({ region, endpoint, credentials }: AwsAccess, work: (client: S3Client) => Promise<T>): Promise<T> {
  const client = new S3Client({
    region,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials && { credentials }),
  })
  try {
    return await work(client)
  } finally {
    client.destroy()
  }
}

async function exists(client: S3Client, Bucket: string): Promise<boolean> {
  try {
    await client.send(new HeadBucketCommand({ Bucket }))
    return true
  } catch (error) {
    if (error instanceof NotFound) return false
    throw error
  }
}
