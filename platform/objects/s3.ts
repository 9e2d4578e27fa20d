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
  /** How long a read of an object into memory may stall, in milliseconds. */
  silenceMs?: number
}

const CONNECT_MS = 3_000
const REQUEST_MS = 10_000
/** Timeout for the upload of one part of a file on a slow connection, and for a stall while a file is downloaded. */
const PART_MS = 60_000
/** Few attempts, because the callers retry themselves. */
const ATTEMPTS = 2
/** S3 requires at least 5 MiB, and some S3-compatible servers accept at most 11 MiB. */
const PART_BYTES = 8 * 1024 * 1024
/** S3's limit for the parts of an upload. */
const MOST_PARTS = 10_000

/** Stores objects in an S3 bucket. Nothing connects before the first request. */
export function s3Objects({ bucket: Bucket, region, endpoint, credentials, silenceMs = REQUEST_MS }: S3Options): ObjectStore {
  const client = new S3Client({
    region,
    // S3-compatible servers seldom have a host name for every bucket.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials && { credentials }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS, throwOnRequestTimeout: true },
  })

  /**
   * Uploads a file in parts. The object appears when the upload is complete. A killed process leaves an incomplete upload, which is
   * no object and which a lifecycle rule of the bucket removes.
   */
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
        // Otherwise the connection would stay busy until the whole object has arrived.
        ;(Body as unknown as Readable).destroy()
        throw new ObjectTooLarge(ContentLength, maxBytes)
      }
      const body = Body as unknown as Readable
      const chunks: Buffer[] = []
      for await (const chunk of watched(body, body, silenceMs)) chunks.push(chunk)
      return Buffer.concat(chunks)
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

/** Resolves to undefined when S3 has no such object. */
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

/** Yields the chunks of an object, and fails when none arrives for `silenceMs`: a dead connection would block forever. */
async function* watched(body: Readable, chunks: AsyncIterable<Buffer>, silenceMs: number): AsyncGenerator<Buffer> {
  const silent = () => body.destroy(new Error(`nothing came of the object for ${silenceMs / 1000} s`))
  let timer = setTimeout(silent, silenceMs)
  try {
    for await (const chunk of chunks) {
      clearTimeout(timer)
      timer = setTimeout(silent, silenceMs)
      yield chunk
    }
  } finally {
    clearTimeout(timer)
  }
}

const received = (body: Readable, path: string, signal: AbortSignal | undefined) =>
  pipeline(body, (chunks: AsyncIterable<Buffer>) => watched(body, chunks, PART_MS), createWriteStream(path, { mode: 0o600 }), {
    signal,
  })
