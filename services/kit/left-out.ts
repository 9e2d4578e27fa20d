import { localParts } from '#platform/aws/local/where.ts'
import type { Settings } from '#platform/config/settings.ts'
import { keyNameOf } from '#platform/llm/key.ts'
import { Trouble } from '#platform/trouble.ts'

/** Something that does not run, in a line that says why and what that costs. */
export interface Idle {
  what: string
  why: string
}

export interface LeftOut {
  /** Services that do not run on this machine. */
  services: ReadonlySet<string>
  /** Services that run here because somebody asked for them. */
  added: readonly string[]
  /** Why, for people. */
  idle: Idle[]
  /** What idles for want of a key, if that is why. */
  withoutKey: Idle | undefined
}

/** Parts that others may run instead. */
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
]

/** Parts that need more of a machine than most have: they run where somebody asks for them. */
export const ADDED = ['gpu-worker']

/**
 * Which services do not run on this machine, because somebody else runs them or because they could do nothing.
 * @throws Trouble when `VIDWIZ_WITHOUT` names something that cannot be left out, or `VIDWIZ_WITH` something that cannot be added
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
  if (unknown.length > 0) throw new Trouble(`${what} ${unknown.join(', ')}: only ${known.join(', ')}`)
}

/** What of hearing videos does not work here, as far as somebody asks for it. */
function withoutMedia(settings: Settings, added: readonly string[]): Idle[] {
  if (!localParts(settings).sqs && !settings.SQS_TRANSCRIPTION_QUEUE_URL)
    return [{ what: 'media-bridge', why: 'SQS_TRANSCRIPTION_QUEUE_URL is not set; flashcards and videos without captions wait' }]
  // Whoever reads a queue elsewhere hears them.
  if (!settings.MEDIA_FALLBACK || added.includes('gpu-worker') || !localParts(settings).sqs) return []
  const how = '`VIDWIZ_WITH=gpu-worker make start`, or `npx vidwiz run gpu-worker` beside this'
  return [{ what: 'gpu-worker', why: `videos without captions wait until somebody hears them: ${how}` }]
}

/** @param services what is left out; more is added to it */
function modelsWithoutKey(settings: Settings, services: Set<string>): Idle | undefined {
  const key = keyNameOf(settings)
  if (settings[key] || services.has('lambda-runner')) return undefined
  services.add('lambda-runner')
  // Whoever reads those queues has a key of their own.
  if (settings.SQS_AI_NOTE_QUEUE_URL || settings.SQS_SUMMARY_QUEUE_URL)
    return { what: 'lambda-runner', why: `${key} is not set; whoever else reads the queues answers` }
  // What is sent meanwhile would be given up in the end: it rather waits in the log.
  services.add('sqs-bridge')
  return { what: 'notes and summaries by AI', why: `${key} is not set; what is asked for meanwhile waits` }
}
