import { localParts } from '#platform/aws/local/where.ts'
import type { Settings } from '#platform/config/settings.ts'
import { keyNameOf } from '#platform/llm/key.ts'
import { OperatorError } from '#platform/operator-error.ts'

/** A part that does not run, with the reason and its cost. */
export interface Idle {
  what: string
  why: string
}

export interface LeftOut {
  /** Services that do not run on this machine. */
  services: ReadonlySet<string>
  /** Services that run here only because VIDWIZ_WITH names them. */
  added: readonly string[]
  /** The reasons, for people. */
  idle: Idle[]
  /** The parts that are idle without a model's key, if they are. */
  withoutKey: Idle | undefined
}

/** Services that may be left out: others can run them elsewhere. */
const OPTIONAL = [
  'fetch-scheduler',
  'ai-notes',
  'summaries',
  'sqs-bridge',
  'media-scheduler',
  'media-bridge',
  'media-door',
  'transcript-helper',
  'metadata-helper',
  'lambda-runner',
  'ops',
]

/** Services that most machines are too small for; they run only if VIDWIZ_WITH names them. */
export const ADDED = ['gpu-worker']

/**
 * The services that do not run on this machine, because others run them or because they could do nothing.
 * @throws OperatorError when `VIDWIZ_WITHOUT` names a service that cannot be left out, or `VIDWIZ_WITH` one that cannot be added
 */
export function leftOut(settings: Settings): LeftOut {
  const services = new Set(settings.VIDWIZ_WITHOUT)
  assertAll([...services], OPTIONAL, 'VIDWIZ_WITHOUT cannot leave out')
  const added = [...new Set(settings.VIDWIZ_WITH)]
  assertAll(added, ADDED, 'VIDWIZ_WITH cannot add')
  const idle: Idle[] = [...services].map((what) => ({ what, why: 'left out by VIDWIZ_WITHOUT' }))
  for (const one of withoutMedia(settings, added)) {
    if (services.has(one.what)) continue
    if (!added.includes(one.what)) services.add(one.what)
    idle.push(one)
  }
  const withoutKey = modelsWithoutKey(settings, services)
  return { services, added, idle: withoutKey ? [...idle, withoutKey] : idle, withoutKey }
}

function assertAll(names: readonly string[], known: readonly string[], what: string) {
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new OperatorError(`${what} ${unknown.join(', ')}: only ${known.join(', ')}`)
}

/** The parts of media work that do not run here although the settings need them. */
function withoutMedia(settings: Settings, added: readonly string[]): Idle[] {
  if (!localParts(settings).sqs && !settings.SQS_TRANSCRIPTION_QUEUE_URL)
    return [{ what: 'media-bridge', why: 'SQS_TRANSCRIPTION_QUEUE_URL is not set; flashcards and videos without captions wait' }]
  // With a queue elsewhere, workers elsewhere hear (transcribe) the videos.
  if (!settings.MEDIA_FALLBACK || added.includes('gpu-worker') || !localParts(settings).sqs) return []
  const how = '`VIDWIZ_WITH=gpu-worker make start`, or `npx vidwiz run gpu-worker` beside this'
  return [{ what: 'gpu-worker', why: `videos without captions wait until a gpu-worker transcribes them: ${how}` }]
}

/** @param services those left out; this adds more */
function modelsWithoutKey(settings: Settings, services: Set<string>): Idle | undefined {
  const key = keyNameOf(settings)
  if (settings[key] || services.has('lambda-runner')) return undefined
  services.add('lambda-runner')
  // Workers that read these queues elsewhere have a key of their own.
  if (settings.SQS_AI_NOTE_QUEUE_URL || settings.SQS_SUMMARY_QUEUE_URL)
    return { what: 'lambda-runner', why: `${key} is not set; the program that reads the queues elsewhere answers` }
  // Without a worker, messages would be given up in the end; not sent, the requests wait in the log.
  services.add('sqs-bridge')
  return { what: 'notes and summaries by AI', why: `${key} is not set; what is asked for meanwhile waits` }
}
