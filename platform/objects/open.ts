import { join } from 'node:path'
import { dataFolder } from '#platform/config/data-folder.ts'
import type { Settings } from '#platform/config/settings.ts'
import { folderObjects } from './folder.ts'
import type { Objects } from './objects.ts'

export type { Objects } from './objects.ts'

/** Opens the store of large things: the bucket `S3_BUCKET_NAME`, or a folder of this machine when none is set. */
export async function openObjects(settings: Settings): Promise<Objects> {
  const { S3_BUCKET_NAME: bucket, S3_ENDPOINT: endpoint, AWS_REGION: region } = settings
  if (!bucket) return folderObjects(join(dataFolder(settings.VIDWIZ_DATA), 'objects'))
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = settings
  // Half of a second goes into loading the SDK: only for those who use it.
  const { s3Objects } = await import('./s3.ts')
  const credentials = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey, sessionToken } : undefined
  return s3Objects({ bucket, region, endpoint, credentials })
}
