import type { Objects } from '#platform/objects/objects.ts'
import { s3Objects } from '#platform/objects/s3.ts'
import type { AwsAccess } from './environment.ts'

/** The bucket. The SDK takes credentials from the function's environment. */
export const openBucket = (bucket: string, { region, s3Endpoint: endpoint }: AwsAccess): Objects =>
  s3Objects({ bucket, region, endpoint })
