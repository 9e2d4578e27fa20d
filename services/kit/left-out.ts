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
  'transcript-helper',
  'metadata-helper',
  'lambda-runner',
]

/**
 * Which services do not run on this machine, because somebody else runs them or because they could do nothing.
 * @throws Trouble when `VIDWIZ_WITHOUT` names something that cannot be left out
 */
export function leftOut(settings: Settings): LeftOut {
  const services = new Set(settings.VIDWIZ_WITHOUT)
  const unknown = [...services].filter((name) => !OPTIONAL.includes(name))
  if (unknown.length > 0) throw new Trouble(`VIDWIZ_WITHOUT cannot leave out ${unknown.join(', ')}: only ${OPTIONAL.join(', ')}`)
  const idle: Idle[] = [...services].map((what) => ({ what, why: 'left out by VIDWIZ_WITHOUT' }))
  const key = keyNameOf(settings)
  if (settings[key] || services.has('lambda-runner')) return { services, idle, withoutKey: undefined }
  services.add('lambda-runner')
  if (settings.SQS_AI_NOTE_QUEUE_URL || settings.SQS_SUMMARY_QUEUE_URL) {
    // Whoever reads those queues has a key of their own.
    const withoutKey = { what: 'lambda-runner', why: `${key} is not set; whoever else reads the queues answers` }
    return { services, idle: [...idle, withoutKey], withoutKey }
  }
  // What is sent meanwhile would be given up in the end: it rather waits in the log.
  services.add('sqs-bridge')
  const withoutKey = { what: 'notes and summaries by AI', why: `${key} is not set; what is asked for meanwhile waits` }
  return { services, idle: [...idle, withoutKey], withoutKey }
}
