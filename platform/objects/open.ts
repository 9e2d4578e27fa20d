import { join } from 'node:path'
import { awsAccess } from '#platform/aws/access.ts'
import { dataFolder } from '#platform/config/data-folder.ts'
import type { Settings } from '#platform/config/settings.ts'
import { folderObjects } from './folder.ts'
import type { ObjectStore } from './objects.ts'

export type { ObjectMetadata, ObjectStore, Objects } from './objects.ts'

/** The folder of objects when no S3 bucket is set. */
export const objectsFolder = (data: string): string => join(data, 'objects')

/** Opens the object store: the bucket `S3_BUCKET_NAME`, or a folder of this machine when none is set. */
export async function openObjects(settings: Settings): Promise<ObjectStore> {
  const { S3_BUCKET_NAME: bucket } = settings
  if (!bucket) return folderObjects(objectsFolder(dataFolder(settings.VIDWIZ_DATA)))
  // Loading the SDK takes half a second, so only processes that use it load it.
  const { s3Objects } = await import('./s3.ts')
  return s3Objects({ bucket, ...awsAccess(settings, 'S3') })
}
