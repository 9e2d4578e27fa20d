import type { z } from 'zod'
import type { Command } from '#events/kit/command.ts'
import {
  completeMedia,
  failMedia,
  findMedia,
  hearMedia,
  language as languageTag,
  type MediaOutcome,
  startMedia,
} from '#events/media.ts'
import { Flashcards, Quiz } from '#events/study.ts'
import { hasTranscript } from '#events/video.ts'
import { type Execute, Rejected } from '#platform/log/commands/executor.ts'
import { ObjectKeyError, ObjectTooLarge } from '#platform/objects/objects.ts'
import type { Objects } from '#platform/objects/open.ts'
import type { Exclusively } from '#platform/pg/exclusively.ts'
import { aboutTranscript, putTranscript } from '../kit/transcripts.ts'
import { keyOf, Unfit } from './address.ts'
import type { Entry, File, What } from './entries.ts'
import { belowHead, rowsOf } from './sentences.ts'

export interface Handling {
  execute: Execute
  objects: Objects
  exclusively: Exclusively
  bucket: string | undefined
  /** Identity of the door, so that idempotency keys of different doors differ. */
  identity: string
  /** Length of a video; undefined if unknown. */
  secondsOf(videoId: string): Promise<number | undefined>
  /** Files that the worker announced before, in the same attempt. */
  filesBefore(entry: Entry): Promise<File[]>
}

/** Result for an entry. `content` is its object's content, kept until the entry that completes the job. */
export interface Handled {
  /** Why the entry is parked. */
  cause?: string
  content?: unknown
}

const NAME = 'media-door'
/** More than a day of talk, and more than any study has. */
const MOST_BYTES = { transcript: 8 * 1024 * 1024, flashcards: 1024 * 1024, quiz: 1024 * 1024 }

/**
 * Turns an entry into an event. Idempotent for the same entry.
 * @throws errors that may pass with a retry
 */
export async function handle(entry: Entry, handling: Handling): Promise<Handled> {
  try {
    return await (entry.what === 'status' ? onStatus(entry, handling) : onFile(entry, handling))
  } catch (error) {
    if (error instanceof Unfit || error instanceof Rejected) return { cause: error.message }
    if (error instanceof ObjectKeyError || error instanceof ObjectTooLarge)
      return { cause: `the file of the ${entry.what} cannot be read: ${error.message}` }
    throw error
  }
}

/**
 * Executes a command for an entry with an idempotency key. @param variant set when a retry of the entry may execute a different
 * command
 */
const once = <R>(entry: Entry, { execute, identity }: Handling, command: Command<R>, variant = '') => {
  const { n, correlation_id: correlationId, causation_id: causationId } = entry
  const key = `${identity} ${n} ${command.name}${variant}`
  return execute(command, { actor: NAME, correlationId, causationId, idempotency: { scope: NAME, key, fingerprint: '' } })
}

/** Runs a command that only reads. */
const ask = async <R>({ execute }: Handling, command: Command<R>): Promise<R> =>
  (await execute(command, { actor: NAME, correlationId: null })).result

/** A worker without HTTP deletes its message whatever the result. */
const GONE = { comesAgain: true, messageGone: true } as const

async function onStatus(entry: Entry, handling: Handling): Promise<Handled> {
  const of = { videoId: entry.video_id, jobId: entry.job_id }
  switch (entry.status) {
    case 'processing':
      await once(entry, handling, startMedia(of))
      return {}
    case 'failed':
      // The worker gives no reason and does not say whether the failure is permanent: the job is retried.
      await once(entry, handling, failMedia({ ...of, cause: 'the worker says that it failed', ...GONE }))
      return {}
    case 'completed':
      return onCompleted(entry, handling)
    default:
      return {}
  }
}

async function onCompleted(entry: Entry, handling: Handling): Promise<Handled> {
  const of = { videoId: entry.video_id, jobId: entry.job_id }
  const files = new Map((await handling.filesBefore(entry)).map((file) => [file.what, file]))
  const { video } = await ask(handling, findMedia(of))
  if (!hasTranscript(video)) {
    const cause = files.get('transcript')?.cause ?? 'the worker reports the end of the job but named no transcript'
    await once(entry, handling, failMedia({ ...of, cause, ...GONE }))
    return {}
  }
  const outcome = studyOf(files)
  // The study may have been missing in an earlier try of this entry.
  await once(entry, handling, completeMedia({ ...of, ...outcome }), outcome.study && ' with study')
  return {}
}

function studyOf(files: ReadonlyMap<File['what'], File>): MediaOutcome {
  const [flashcards, quiz] = [files.get('flashcards'), files.get('quiz')]
  const missing = flashcards?.cause ?? quiz?.cause
  if (missing) return { missing }
  if (!flashcards?.content || !quiz?.content)
    return { missing: `the worker made no ${flashcards?.content ? 'quiz' : 'flashcards'}` }
  const language = [flashcards, quiz, files.get('transcript')].map((file) => tagOf(file?.language)).find(Boolean) ?? UNKNOWN
  return { study: { language, flashcards: JSON.parse(flashcards.content), quiz: JSON.parse(quiz.content) } }
}

/** Language tag for an unknown language. */
const UNKNOWN = 'und'

/** Canonical form of a language tag, because studies are looked up by it; undefined for anything else. */
function tagOf(text: string | null | undefined): string | undefined {
  const { data: tag } = languageTag.safeParse(text?.trim())
  try {
    return Intl.getCanonicalLocales(tag)[0]
  } catch {
    return undefined
  }
}

async function onFile(entry: Entry, handling: Handling): Promise<Handled> {
  const { what, file_path: path } = entry as Entry & { what: File['what']; file_path: string }
  const key = keyOf(path, what, handling.bucket)
  const body = await handling.objects.get(key, MOST_BYTES[what]).catch((error) => {
    throw withoutPath(error, what)
  })
  if (!body) throw new Unfit(`there is no file of the ${what} where the worker says it is`)
  const text = textOf(body, what)
  if (what !== 'transcript') return { content: parsed(text, what === 'quiz' ? Quiz : Flashcards, what) }
  await onTranscript(entry, text, handling)
  return {}
}

/** A store's error message may contain the path, which must not be logged (see `Unfit`). */
const withoutPath = (error: Error, what: What): Error =>
  error instanceof ObjectKeyError || error instanceof ObjectTooLarge
    ? error
    : new Error(`the store does not give the file of the ${what}: ${error.name}: ${error.message}`)

async function onTranscript(entry: Entry, file: string, handling: Handling) {
  const { video_id: videoId, job_id: jobId } = entry
  const language = tagOf(entry.language)
  const rows = rowsOf(belowHead(file), { language, seconds: await handling.secondsOf(videoId) })
  if (rows.length === 0) throw new Unfit(`the file of the transcript holds no text below its head of two lines`)
  await handling.exclusively(aboutTranscript(videoId), async () => {
    const { media, video } = await ask(handling, findMedia({ videoId }))
    // Store no transcript that the command would refuse.
    if (media?.jobId !== jobId) throw new Unfit('There is no such job')
    const heard = { rows, json: JSON.stringify(rows), origin: 'text' as const, ...(language && { language }) }
    const transcript = await putTranscript(handling.objects, { videoId, video }, heard)
    await once(entry, handling, hearMedia({ videoId, jobId, transcript }))
  })
}

function textOf(body: Buffer, what: What): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new Unfit(`the file of the ${what} is no text in UTF-8`)
  }
}

function parsed(text: string, schema: z.ZodType, what: What): unknown {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Unfit(`the file of the ${what} is no JSON`)
  }
  const read = schema.safeParse(json)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new Unfit(`the file of the ${what} does not match the worker contract: ${[...issue!.path, issue!.message].join(' ')}`)
}
