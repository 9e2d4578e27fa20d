import {
  BucketAlreadyOwnedByYou,
  type BucketLocationConstraint,
  CreateBucketCommand,
  HeadBucketCommand,
  NotFound,
  S3Client,
} from '@aws-sdk/client-s3'
import type { AwsAccess } from '#platform/aws/access.ts'

/** Where AWS wants no place named. */
const FIRST_REGION = 'us-east-1'

/** Makes a bucket unless there is one. @returns whether it was made now */
export async function ensureBucket(Bucket: string, { region, endpoint, credentials }: AwsAccess): Promise<boolean> {
  const client = new S3Client({
    region,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials && { credentials }),
  })
  try {
    if (await exists(client, Bucket)) return false
    const LocationConstraint = region as BucketLocationConstraint
    const place = region === FIRST_REGION ? {} : { CreateBucketConfiguration: { LocationConstraint } }
    await client.send(new CreateBucketCommand({ Bucket, ...place }))
    return true
  } catch (error) {
    if (error instanceof BucketAlreadyOwnedByYou) return false
    throw error
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
