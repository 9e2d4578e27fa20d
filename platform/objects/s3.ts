import type { Readable } from 'node:stream'
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { AwsAccess } from '#platform/aws/access.ts'
import { checkedKey, type Objects, ObjectTooLarge, readableKey } from './objects.ts'

export interface S3Options extends AwsAccess {
  bucket: string
}

const CONNECT_MS = 3_000
const REQUEST_MS = 10_000
/** Who waits for it has patience of its own. */
const ATTEMPTS = 2

/** Objects in a bucket. Nothing connects before the first of them. */
export function s3Objects({ bucket: Bucket, region, endpoint, credentials }: S3Options): Objects {
  const client = new S3Client({
    region,
    // Others seldom have a name for every bucket.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials && { credentials }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS, throwOnRequestTimeout: true },
  })
  return {
    async put(key, body, ContentType) {
      const Body = Buffer.from(body)
      await client.send(new PutObjectCommand({ Bucket, Key: checkedKey(key), Body, ContentLength: Body.length, ContentType }))
    },
    async get(key, maxBytes = Number.POSITIVE_INFINITY) {
      try {
        const { Body, ContentLength = 0 } = await client.send(new GetObjectCommand({ Bucket, Key: readableKey(key) }))
        if (ContentLength > maxBytes) {
          // Else the connection would be kept until all of it has come.
          ;(Body as unknown as Readable).destroy()
          throw new ObjectTooLarge(ContentLength, maxBytes)
        }
        return Buffer.from(await Body!.transformToByteArray())
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined
        throw error
      }
    },
    close: () => client.destroy(),
  }
}
