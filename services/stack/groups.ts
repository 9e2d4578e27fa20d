import { localParts } from '#platform/aws/local/where.ts'
import type { Settings } from '#platform/config/settings.ts'
import { Trouble } from '#platform/trouble.ts'
import { type Idle, leftOut } from '../kit/left-out.ts'

/** Services that share a process on one machine. On many machines each is a process of its own. */
export interface Group {
  name: string
  services: string[]
  /** Of Node. */
  flags?: string[]
  /** Whether what it says of its work is shown in the terminal, and not only what goes wrong. */
  tells?: boolean
}

export interface Plan {
  /** S3 and SQS of the data folder, before all that use them. */
  aws: Group | undefined
  /** What the API stands on, in order. */
  first: Group[]
  api: Group
  /** What nobody waits for. */
  later: Group[]
  idle: Idle[]
}

/**
 * Says what runs on this machine, and in which process.
 * @throws Trouble when `VIDWIZ_WITHOUT` or `VIDWIZ_WITH` name what they cannot, or queues are named that are not enough
 */
export function planned(settings: Settings, { onKafka }: { onKafka: boolean }): Plan {
  const { services: without, added, idle } = leftOut(settings)
  const queues = [settings.SQS_AI_NOTE_QUEUE_URL, settings.SQS_SUMMARY_QUEUE_URL].filter(Boolean).length
  if (queues === 1 && !without.has('sqs-bridge'))
    // It would not start, nor would anything that shares its process.
    throw new Trouble('of SQS_AI_NOTE_QUEUE_URL and SQS_SUMMARY_QUEUE_URL one is set: set both, or leave out sqs-bridge')
  const { s3, sqs } = localParts(settings)
  if (queues === 0 && !sqs && !without.has('sqs-bridge'))
    throw new Trouble(
      'SQS_TRANSCRIPTION_QUEUE_URL is set and the other two queues are not: set SQS_AI_NOTE_QUEUE_URL and SQS_SUMMARY_QUEUE_URL, or leave out sqs-bridge',
    )
  if (!sqs && !settings.SQS_TRANSCRIPTION_QUEUE_URL && added.includes('gpu-worker'))
    throw new Trouble('SQS_TRANSCRIPTION_QUEUE_URL must be set, since VIDWIZ_WITH asks for gpu-worker')
  const group = (name: string, services: string[]): Group[] => {
    const own = services.filter((service) => !without.has(service))
    return own.length > 0 ? [{ name, services: own }] : []
  }
  return {
    aws: s3 || sqs ? { name: 'local-aws', services: ['local-aws'] } : undefined,
    first: [
      ...(onKafka ? [{ name: 'relay', services: ['relay'] }] : []),
      // It may have to rebuild: with a small nursery the memory of that stays flat.
      { name: 'projector', services: ['projector'], flags: ['--max-semi-space-size=8'] },
    ],
    api: { name: 'api', services: ['api'] },
    later: [
      ...group('reactors', [
        'fetch-scheduler',
        'ai-notes',
        'summaries',
        'sqs-bridge',
        'media-scheduler',
        'media-bridge',
        'media-door',
      ]),
      ...group('workers', ['transcript-helper', 'metadata-helper', 'lambda-runner']),
      // Each in a process of its own: they need much of the machine, and tell people how they come along.
      ...added.map((name) => ({ name, services: [name], tells: true })),
    ],
    idle,
  }
}
