import { z } from 'zod'
import { OperatorError } from '../operator-error.ts'
import { shape } from './settings/chapters.ts'

/** An empty value in the environment means "not set", as people write it in `.env` files. */
const schema = z.object(shape)

export type Settings = z.output<typeof schema>

/** The names of all environment variables that are read. */
export const settingNames: readonly string[] = Object.keys(schema.shape)

/** The environment has invalid values. `problems` names every invalid variable, never its value. */
export class SettingsError extends OperatorError {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}

/**
 * Reads the settings from the environment and checks all of them at once.
 * @throws SettingsError naming every invalid variable
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const read = schema.safeParse(given)
  const problems = [
    ...(read.error?.issues ?? []).map((issue) => `${issue.path.join('.')} ${issue.message}`),
    // Half a login would be used as no login, or as one with an empty password.
    ...halfGiven(given, 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'),
    ...halfGiven(given, 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'),
    ...needs(given, 'S3_ENDPOINT', 'S3_BUCKET_NAME'),
    ...([...QUEUES, 'SQS_QUEUE_URL'].some((queue) => queue in given)
      ? []
      : needs(given, 'SQS_ENDPOINT', 'SQS_AI_NOTE_QUEUE_URL')),
    ...queueProblems(read.data),
  ]
  if (read.success && problems.length === 0) return read.data
  throw new SettingsError(problems)
}

/** The problem when only one of two variables is given. */
const halfGiven = (given: Record<string, unknown>, one: string, other: string): string[] => [
  ...needs(given, one, other),
  ...needs(given, other, one),
]

/** The problem when a variable is given without another one that it needs. */
const needs = (given: Record<string, unknown>, one: string, other: string): string[] =>
  one in given && !(other in given) ? [`${other} must be set, since ${one} is`] : []

const QUEUES = ['SQS_AI_NOTE_QUEUE_URL', 'SQS_SUMMARY_QUEUE_URL', 'SQS_TRANSCRIPTION_QUEUE_URL'] as const

/** Problems of queue URLs that SQS would report only at the first message, and less clearly. */
function queueProblems(settings: Settings | undefined): string[] {
  if (!settings) return []
  const named = QUEUES.flatMap((name) => (settings[name] === undefined ? [] : [{ name, url: settings[name] }]))
  const twice = named.flatMap(({ name, url }, i) => {
    const first = named.slice(0, i).find((other) => other.url === url)
    return first ? [`${name} must be another queue than ${first.name}: their messages differ`] : []
  })
  if (twice.length > 0) return twice
  if (settings.SQS_ENDPOINT ?? settings.AWS_ENDPOINT_URL) return []
  // A request's signature is valid for one region only.
  return named.flatMap(({ name, url }) => {
    const region = /^https?:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com/.exec(url)?.[1]
    return region === undefined || region === settings.AWS_REGION ? [] : [`AWS_REGION must be ${region}, since ${name} is there`]
  })
}
