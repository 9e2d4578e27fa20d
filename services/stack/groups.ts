import { localParts } from '#platform/aws/local/where.ts'
import type { Settings } from '#platform/config/settings.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { type Idle, leftOut } from '../kit/left-out.ts'

/** Services that share a process when they run on one machine. On several machines each has its own process. */
export interface Group {
  name: string
  services: string[]
  /** Flags of Node. */
  flags?: string[]
  /** Whether all of its log lines are shown in the terminal, not only problems. */
  tells?: boolean
}

export interface Plan {
  /** S3 and SQS of the data folder; started before the services that use them. */
  aws: Group | undefined
  /** Services that the API needs, in order. */
  first: Group[]
  api: Group
  /** Services that the start does not wait for. */
  later: Group[]
  idle: Idle[]
}

/**
 * Plans which services run on this machine, in which processes.
 * @throws OperatorError when `VIDWIZ_WITHOUT` or `VIDWIZ_WITH` name other services than they can, or the settings name too few queues
 */
export function planned(settings: Settings, { onKafka }: { onKafka: boolean }): Plan {
  const { services: without, added, idle } = leftOut(settings)
  const queues = [settings.SQS_AI_NOTE_QUEUE_URL, settings.SQS_SUMMARY_QUEUE_URL].filter(Boolean).length
  if (queues === 1 && !without.has('sqs-bridge'))
    // sqs-bridge could not start, and would take the services in its process down with it.
    throw new OperatorError(
      'only one of SQS_AI_NOTE_QUEUE_URL and SQS_SUMMARY_QUEUE_URL is set: set both, or leave out sqs-bridge',
    )
  const { s3, sqs } = localParts(settings)
  if (queues === 0 && !sqs && !without.has('sqs-bridge'))
    throw new OperatorError(
      'SQS_TRANSCRIPTION_QUEUE_URL is set and the other two queues are not: set SQS_AI_NOTE_QUEUE_URL and SQS_SUMMARY_QUEUE_URL, or leave out sqs-bridge',
    )
  if (!sqs && !settings.SQS_TRANSCRIPTION_QUEUE_URL && added.includes('gpu-worker'))
    throw new OperatorError('SQS_TRANSCRIPTION_QUEUE_URL must be set, since VIDWIZ_WITH asks for gpu-worker')
  const group = (name: string, services: string[]): Group[] => {
    const own = services.filter((service) => !without.has(service))
    return own.length > 0 ? [{ name, services: own }] : []
  }
  return {
    aws: s3 || sqs ? { name: 'local-aws', services: ['local-aws'] } : undefined,
    first: [
      ...(onKafka ? [{ name: 'relay', services: ['relay'] }] : []),
      // It may have to rebuild views: a small young generation keeps its memory flat meanwhile.
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
      // A process of its own: the page must work when other services hang, and must not slow them down.
      ...group('ops', ['ops']),
      // A process of its own for each: they use much of the machine, and report their progress to people.
      ...added.map((name) => ({ name, services: [name], tells: true })),
    ],
    idle,
  }
}
