import { createWriteStream } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { AwsAccess } from '#platform/aws/access.ts'
import {
  checkedKey,
  type FileOptions,
  type ObjectHead,
  type ObjectMetadata,
  type ObjectStore,
  ObjectTooLarge,
  readableKey,
} from './objects.ts'

export interface S3Options extends AwsAccess {
  bucket: string
  /** How long nothing may come of an object that is read, for tests. */
  silenceMs?: number
}

const CONNECT_MS = 3_000
const REQUEST_MS = 10_000
/** For a part of a file, on a slow line; and how long nothing may come of one that is read. */
const PART_MS = 60_000
/** Who waits for it has patience of its own. */
const ATTEMPTS = 2
/** S3 wants 5 MiB at least, and stand-ins for S3 take 11 MiB at most. */
const PART_BYTES = 8 * 1024 * 1024
/** S3 counts no further. */
const MOST_PARTS = 10_000

/** Objects in a bucket. Nothing connects before the first of them. */
export function s3Objects({ bucket: Bucket, region, endpoint, credentials, silenceMs = PART_MS }: S3Options): ObjectStore {
  const client = new S3Client({
    region,
    // Others seldom have a name for every bucket.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials && { credentials }),
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: REQUEST_MS,
      throwOnRequestTimeout: true,
      // The one before ends with the first bytes of an answer.
      socketTimeout: silenceMs,
    },
  })

  /** As one object, which is there when all parts are. What a killed process leaves unfinished is no object; a rule of the bucket removes it. */
  async function putInParts(
    key: string,
    path: string,
    sizeBytes: number,
    contentType: string,
    { metadata, signal }: FileOptions,
  ) {
    const of = { Bucket, Key: key }
    const options = { abortSignal: signal, requestTimeout: PART_MS }
    const begun = new CreateMultipartUploadCommand({ ...of, ContentType: contentType, Metadata: { ...metadata } })
    const { UploadId } = await client.send(begun, options)
    const file = await open(path)
    try {
      const partBytes = Math.max(PART_BYTES, Math.ceil(sizeBytes / MOST_PARTS))
      const Parts: CompletedPart[] = []
      for (let position = 0; position < sizeBytes; position += partBytes) {
        const Body = Buffer.alloc(Math.min(partBytes, sizeBytes - position))
        await readWhole(file, Body, position)
        const PartNumber = Parts.length + 1
        const part = new UploadPartCommand({ ...of, UploadId, PartNumber, Body, ContentLength: Body.length })
        Parts.push({ PartNumber, ETag: (await client.send(part, options)).ETag })
      }
      await client.send(new CompleteMultipartUploadCommand({ ...of, UploadId, MultipartUpload: { Parts } }), options)
    } catch (error) {
      await client.send(new AbortMultipartUploadCommand({ ...of, UploadId })).catch(() => {})
      throw error
    } finally {
      await file.close()
    }
  }

  const objects: ObjectStore = {
    async put(key, body, ContentType, metadata) {
      const Body = Buffer.from(body)
      const Metadata = metadata && { ...metadata }
      const put = { Bucket, Key: checkedKey(key), Body, ContentLength: Body.length, ContentType, Metadata }
      await client.send(new PutObjectCommand(put))
    },
    async get(key, maxBytes = Number.POSITIVE_INFINITY) {
      const found = await absent(client.send(new GetObjectCommand({ Bucket, Key: readableKey(key) })))
      if (!found) return undefined
      const { Body, ContentLength = 0 } = found
      if (ContentLength > maxBytes) {
        // Else the connection would be kept until all of it has come.
        ;(Body as unknown as Readable).destroy()
        throw new ObjectTooLarge(ContentLength, maxBytes)
      }
      return Buffer.from(await Body!.transformToByteArray())
    },
    async head(key) {
      const found = await absent(client.send(new HeadObjectCommand({ Bucket, Key: checkedKey(key) })))
      return found && headOf(found)
    },
    async delete(key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key: checkedKey(key) }))
    },
    async putFile(key, path, contentType, options = {}) {
      const { size } = await stat(path)
      if (size <= PART_BYTES) return objects.put(key, await readFile(path), contentType, options.metadata)
      await putInParts(checkedKey(key), path, size, contentType, options)
    },
    async getFile(key, path, { signal } = {}) {
      const found = await absent(client.send(new GetObjectCommand({ Bucket, Key: checkedKey(key) }), { abortSignal: signal }))
      if (!found) return undefined
      await received(found.Body as Readable, path, signal)
      return headOf(found)
    },
    close: () => client.destroy(),
  }
  return objects
}

const headOf = ({ ContentLength = 0, Metadata = {} }: { ContentLength?: number; Metadata?: ObjectMetadata }): ObjectHead => ({
  sizeBytes: ContentLength,
  metadata: Metadata,
})

/** Undefined where S3 has no such object. */
async function absent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof NoSuchKey || error instanceof NotFound) return undefined
    throw error
  }
}

async function readWhole(file: Awaited<ReturnType<typeof open>>, buffer: Buffer, position: number) {
  for (let read = 0; read < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, read, buffer.length - read, position + read)
    if (bytesRead === 0) throw new Error('the file became shorter while it was stored')
    read += bytesRead
  }
}

/** A line that has gone silent would be waited for without an end. */
async function received(body: Readable, path: string, signal: AbortSignal | undefined) {
  const silent = () => body.destroy(new Error(`nothing came of the object for ${PART_MS / 1000} s`))
  let timer = setTimeout(silent, PART_MS)
  async function* watched(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      clearTimeout(timer)
      timer = setTimeout(silent, PART_MS)
      yield chunk
    }
  }
  try {
    await pipeline(body, watched, createWriteStream(path, { mode: 0o600 }), { signal })
  } finally {
    clearTimeout(timer)
  }
}
