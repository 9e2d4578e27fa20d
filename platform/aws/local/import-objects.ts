import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { S3Store } from './fauxqs.ts'

/**
 * Copies the objects of a folder, which held transcripts before there was a local S3, into a bucket. Copies only objects that the
 * bucket lacks, and only once: an object deleted from the bucket later stays deleted. The folder stays unchanged.
 * @returns the number of objects copied; undefined when it was done before
 */
export async function importObjects(
  s3: S3Store,
  { from, bucket, done }: { from: string; bucket: string; done: string },
): Promise<number | undefined> {
  if (existsSync(done)) return undefined
  const present = s3.buckets.get(bucket)!
  let copied = 0
  for (const file of await filesOf(from)) {
    const key = relative(from, file).split(sep).join('/')
    if (present.has(key)) continue
    const type = key.endsWith('.json') ? 'application/json' : 'application/octet-stream'
    s3.putObject(bucket, key, await readFile(file), type)
    copied += 1
  }
  await writeFile(done, `${JSON.stringify({ copied, at: new Date().toISOString() })}\n`, { mode: 0o600 })
  return copied
}

/** All object files, without unfinished files (`~`) and hidden metadata files. */
async function filesOf(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return []
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((one) => one.isFile() && !/^\.|~$/.test(one.name)).map((one) => join(one.parentPath, one.name))
}
