import { join } from 'node:path'
import { z } from 'zod'
import { type TrustedProxies, trustedProxies } from '../http/client-address.ts'
import { Trouble } from '../trouble.ts'

const wholeNumber = (what: string, min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number({ error: `must be ${what}` }).pipe(
    z
      .int({ error: `must be ${what}` })
      .min(min, `must be ${what}`)
      .max(max, `must be ${what}`),
  )

/** `60/10`: sixty in ten seconds. */
const limit = z
  .string()
  .regex(/^[1-9]\d{0,8}\/[1-9]\d{0,4}$/, 'must be so many per so many seconds, as 600/60')
  .transform((text) => {
    const [limit, seconds] = text.split('/').map(Number) as [number, number]
    return { limit, windowMs: seconds * 1000 }
  })
  .optional()

const proxies = z.string().transform((text, { issues }): TrustedProxies => {
  try {
    return trustedProxies(text)
  } catch {
    issues.push({ code: 'custom', message: 'must be a number of proxies or a list of their networks', input: text })
    return z.NEVER
  }
})

const httpUrl = z
  .string()
  .refine((url) => /^https?:/.test(url) && URL.canParse(url), 'must be a URL that begins with http:// or https://')

/** As SQS gives it to who makes a queue: it ends in the account and the name. */
const queueUrl = httpUrl.refine(
  (url) => /^\/(.*\/)?\w+\/[\w-]{1,80}$/.test(URL.parse(url)?.pathname ?? ''),
  'must be the URL of a standard queue, as https://sqs.ap-south-1.amazonaws.com/123456789012/name',
)

const flag = z
  .enum(['0', '1', 'false', 'true'], { error: 'must be 0 or 1' })
  .transform((value) => value === '1' || value === 'true')

/** With commas between. */
const names = z
  .string()
  .transform((list) => list.split(',').flatMap((name) => name.trim() || []))
  .default([])

const isBroker = (text: string) => {
  const [, port] = /^[^\s:]+:(\d{1,5})$/.exec(text) ?? []
  return port !== undefined && Number(port) > 0 && Number(port) <= 65_535
}

/** So that tools find it from whatever folder they are called in. */
const BESIDE_THE_CODE = join(import.meta.dirname, '..', '..', '.vidwiz')

/** An empty value in the environment means "not set", as people write it in `.env` files. */
const schema = z.object({
  ENVIRONMENT: z.enum(['local', 'staging', 'production'], { error: 'must be local, staging or production' }).default('local'),
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber('a port from 0 to 65535', 0, 65_535).default(5000),
  /** Where a service shows its figures and its health, to whoever reaches HOST; unset: nowhere. */
  METRICS_PORT: wholeNumber('a port from 0 to 65535', 0, 65_535).optional(),
  VIDWIZ_DATA: z.string().default(BESIDE_THE_CODE),
  /** Services that `vidwiz start` leaves out: somebody else runs them. */
  VIDWIZ_WITHOUT: names,
  /** Services that `vidwiz start` runs beside the usual ones. */
  VIDWIZ_WITH: names,
  DB_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// (or be unset: then an embedded Postgres is used)')
    .refine((url) => URL.canParse(url), 'must be a URL (in a password, write # as %23 and so on)')
    .optional(),
  /** Brokers of the cluster that carries the topics; unset: the embedded log. */
  KAFKA_BROKERS: z
    .string()
    .transform((list) => list.split(',').map((broker) => broker.trim()))
    .refine((brokers) => brokers.every(isBroker), 'must be host:port[,host:port…]')
    .optional(),
  /** Brokers that `vidwiz start` shall run on this machine. */
  KAFKA_LOCAL: z
    .enum(['1', '3'], { error: 'must be 1 or 3' })
    .transform((count) => (count === '1' ? 1 : 3))
    .optional(),
  KAFKA_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,100}$/, 'may only hold letters, digits, dots, dashes and underscores')
    .default(''),
  KAFKA_REPLICATION: wholeNumber('a whole number from 1 to 9', 1, 9).optional(),
  KAFKA_SSL: flag.default(false),
  KAFKA_SASL_MECHANISM: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'], { error: 'must be plain, scram-sha-256 or scram-sha-512' })
    .default('scram-sha-512'),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  /** Of Confluent's API, with user and password in it if it wants them; unset: payloads travel as plain JSON. */
  SCHEMA_REGISTRY_URL: httpUrl.optional(),
  /** How many days of published events the relay leaves in the database; unset: all of them. */
  RELAY_KEEP_DAYS: wholeNumber('a whole number of days, at least 1', 1, 36_500).optional(),
  SECRET_KEY: z.string().optional(),
  ADMIN_TOKEN: z.string().optional(),
  /** Of this application, as Google knows it; without one nobody signs in with Google. */
  GOOGLE_CLIENT_ID: z.string().optional(),
  GOOGLE_CERTS_URL: httpUrl.default('https://www.googleapis.com/oauth2/v3/certs'),
  /** For searching YouTube by title; without one nobody takes notes by title. */
  YOUTUBE_API_KEY: z.string().optional(),
  YOUTUBE_API_URL: httpUrl.default('https://www.googleapis.com/youtube/v3').transform((url) => url.replace(/\/+$/, '')),
  /** Whether who opens an account gets notes by AI without asking for them. */
  AI_NOTES_AT_SIGN_UP: flag.default(false),
  /** Which proxies may say where a request comes from; unset: none. */
  TRUST_PROXY: proxies.default(0),
  RATE_LIMIT_DISABLED: flag.default(false),
  RATE_LIMIT_USER: limit,
  RATE_LIMIT_ADDRESS: limit,
  RATE_LIMIT_LOGIN: limit,
  RATE_LIMIT_REGISTER: limit,
  RATE_LIMIT_GOOGLE: limit,
  RATE_LIMIT_ACCOUNT: limit,
  RATE_LIMIT_TITLE: limit,
  JWT_EXPIRY_HOURS: wholeNumber('a whole number of hours, at least 1', 1, 24 * 366).default(24),
  /** Not more than an event on Kafka may hold (see max.message.bytes of the topics). */
  MAX_BODY_BYTES: wholeNumber('a whole number of bytes from 1024 to 16777216', 1024, 16 * 1024 * 1024).default(16 * 1024 * 1024),
  /** Where large things lie; in the data folder when not set. */
  S3_BUCKET_NAME: z.string().optional(),
  /** The queues that functions are fed from. */
  SQS_AI_NOTE_QUEUE_URL: queueUrl.optional(),
  SQS_SUMMARY_QUEUE_URL: queueUrl.optional(),
  /** The queue of media workers; unset: nobody asks for them. */
  SQS_TRANSCRIPTION_QUEUE_URL: queueUrl.optional(),
  /** The queue that a media worker reads, if it is another one. */
  SQS_QUEUE_URL: queueUrl.optional(),
  /** Where S3 and SQS are reached, and what stands for both where they are not set; else in AWS. */
  S3_ENDPOINT: httpUrl.optional(),
  /** Queue of S3's notifications, for the tasks-dispatcher; unset: it does not run here, for the reactors ask for the same. */
  SQS_DISPATCH_QUEUE_URL: queueUrl.optional(),
  SQS_ENDPOINT: httpUrl.optional(),
  AWS_ENDPOINT_URL: httpUrl.optional(),
  /** Whether `vidwiz setup` makes the bucket and the queues that are named here. */
  AWS_CREATE: flag.default(false),
  /** Where S3 and SQS in the data folder listen on 127.0.0.1; 0: on any port that is free; unset: the same as long as it is free. */
  AWS_LOCAL_PORT: wholeNumber('a port from 0 to 65535', 0, 65_535).optional(),
  AWS_REGION: z.string().default('ap-south-1'),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  /** Where helpers find the API, without `/v2`; unset: on this machine. */
  API_URL: httpUrl.optional(),
  /** How long helpers wait for a task before they ask again. The API waits for a minute at most. */
  HELPER_POLL_SECONDS: wholeNumber('a whole number of seconds from 1 to 3600', 1, 3600).default(30),
  /** A yt-dlp of yours, instead of the one in the data folder. */
  YTDLP_PATH: z.string().optional(),
  /** A file of cookies in Netscape's format. */
  YTDLP_COOKIES: z.string().optional(),
  YTDLP_PROXY: z
    .string()
    .refine(
      (url) => /^(https?|socks(4a?|5h?)):\/\//.test(url) && URL.canParse(url),
      'must be a URL that begins with http(s):// or socks…://',
    )
    .optional(),
  YTDLP_EXTRACTOR_ARGS: z
    .string()
    .regex(/^\s*[\w-]+:\S+(\s+[\w-]+:\S+)*\s*$/, 'must be extractor:argument=value;…, with blanks between several')
    .optional(),
  /** How long a task of a helper may take: less than TASK_LEASE_SECONDS. */
  YTDLP_TASK_SECONDS: wholeNumber('a whole number of seconds from 1 to 3600', 1, 3600).default(100),
  /** With what media workers hear: a name that faster-whisper knows, one of a repository of Hugging Face, or a folder. */
  WHISPER_MODEL: z.string().default('large-v3'),
  WHISPER_DEVICE: z.enum(['auto', 'cpu', 'cuda'], { error: 'must be auto, cpu or cuda' }).default('auto'),
  /** As CTranslate2 names them; unset: int8 on a processor, float16 on CUDA. */
  WHISPER_COMPUTE_TYPE: z
    .string()
    .regex(/^(int|float|bfloat)\w+$/, 'must be a type that CTranslate2 knows, as int8, float16 or int8_float16')
    .optional(),
  WHISPER_THREADS: wholeNumber('a whole number of threads from 1 to 256', 1, 256).optional(),
  /** An ffmpeg of yours, instead of the one that is installed with what hears. */
  FFMPEG_PATH: z.string().optional(),
  /** What stands before the id in the address of a video; another one for tests and demonstrations. */
  YOUTUBE_WATCH_URL: httpUrl.default('https://www.youtube.com/watch?v='),
  /** Who answers in Wiz chat. Without the key of that provider chat says so. */
  LLM_PROVIDER: z.enum(['gemini', 'openai', 'openrouter'], { error: 'must be gemini, openai or openrouter' }).default('gemini'),
  GEMINI_API_KEY: z.string().optional(),
  GEMINI_MODEL_NAME: z.string().default('gemini-2.5-flash'),
  GEMINI_BASE_URL: httpUrl.default('https://generativelanguage.googleapis.com'),
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_MODEL: z.string().default('gpt-5-nano'),
  OPENAI_BASE_URL: httpUrl.optional(),
  OPENROUTER_API_KEY: z.string().optional(),
  OPENROUTER_MODEL: z.string().default('google/gemini-2.5-flash'),
  OPENROUTER_BASE_URL: httpUrl.default('https://openrouter.ai/api/v1'),
  /** Of a model that takes in less than is usual with its provider, or more. */
  LLM_WINDOW_TOKENS: wholeNumber('a whole number of tokens, at least 2000', 2_000).optional(),
  ANTHROPIC_API_KEY: z.string().optional(),
  ANTHROPIC_BASE_URL: httpUrl.default('https://api.anthropic.com'),
  /** Who makes flashcards and quizzes; unset: the first that has a key, of Anthropic, `LLM_PROVIDER`, and the others. */
  STUDY_PROVIDER: z
    .enum(['anthropic', 'openai', 'gemini'], { error: 'must be anthropic, openai or gemini, or be unset' })
    .optional(),
  /** Its model; unset: claude-haiku-5-5, or what answers in chat. */
  STUDY_MODEL: z.string().optional(),
  /** Messages to Wiz in a day (UTC). */
  WIZ_USER_DAILY_QUOTA: wholeNumber('a whole number of messages, 0 or more', 0, 1_000_000).default(20),
  WIZ_GUEST_DAILY_QUOTA: wholeNumber('a whole number of messages, 0 or more', 0, 1_000_000).default(5),
  WIZ_REPLY_SECONDS: wholeNumber('a whole number of seconds from 1 to 600', 1, 600).default(120),
  /** How long a model's worker has for an answer before it is asked again. */
  AI_ANSWER_MINUTES: z.coerce
    .number({ error: 'must be a number of minutes above 0' })
    .positive('must be a number of minutes above 0')
    .max(7 * 24 * 60, 'must be a number of minutes, a week at most')
    .default(15),
  /** Notes and transcripts from before this moment are not asked about: for who adds the services that ask to an old log. */
  AI_ASK_FROM: z.iso
    .datetime({ offset: true, error: 'must be a moment, as 2026-11-28T12:00:00Z' })
    .transform((moment) => Date.parse(moment))
    .optional(),
  /** Whether notes are made up for that were empty long before their author turned notes by AI on, 100 of a user at most. */
  AI_NOTES_BACKFILL: flag.default(false),
  /** Whether videos without captions are heard by media workers, and how many in a day (UTC). */
  MEDIA_FALLBACK: flag.default(false),
  MEDIA_FALLBACK_DAILY: wholeNumber('a whole number of videos, 0 or more', 0, 1_000_000).default(20),
  /** Videos that a user may have processed in a day (UTC). */
  STUDY_USER_DAILY_QUOTA: wholeNumber('a whole number of videos, 0 or more', 0, 1_000_000).default(10),
  /** How long nothing may be heard of a media job before its message is sent again. */
  MEDIA_SILENCE_MINUTES: z.coerce
    .number({ error: 'must be a number of minutes above 0' })
    .positive('must be a number of minutes above 0')
    .max(7 * 24 * 60, 'must be a number of minutes, a week at most')
    .default(20),
  /** The longest video that is heard. */
  MAX_AUDIO_MINUTES: wholeNumber('a whole number of minutes, at least 1', 1, 7 * 24 * 60).default(240),
  /** The most that a media worker keeps on its disk. */
  MEDIA_DISK_MB: wholeNumber('a whole number of megabytes, at least 1', 1, 100_000_000).default(4096),
  /** After how long the message of a media worker that was killed comes again. */
  MEDIA_VISIBILITY_SECONDS: wholeNumber('a whole number of seconds from 2 to 3600', 2, 3_600).default(120),
  /** How long a worker has for one attempt at a task. */
  TASK_LEASE_SECONDS: wholeNumber('a whole number of seconds, at least 1', 1, 24 * 3600).default(120),
  /** How long a video has rest after a task that found nothing; five times as long with each further one. */
  TASK_COOLDOWN_SECONDS: wholeNumber('a whole number of seconds, at least 0', 0, 24 * 3600).default(1),
  /** Where Lambdas find the API, without /v2; unset: at HOST and PORT. */
  VIDWIZ_ENDPOINT: httpUrl.optional(),
  /** After how many minutes without a message the process of a Lambda ends. */
  LAMBDA_IDLE_MINUTES: wholeNumber('a whole number of minutes, at least 1', 1, 24 * 60).default(5),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'must be one of fatal, error, warn, info, debug, trace, silent',
    })
    .default('info'),
})

export type Settings = z.output<typeof schema>

/** The names of all variables that are read. */
export const settingNames: readonly string[] = Object.keys(schema.shape)

/** The environment is not as it must be. `problems` names every variable that is wrong, never its value. */
export class SettingsError extends Trouble {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}

/**
 * Reads the environment, checks all of it at once.
 * @throws SettingsError naming every variable that is wrong
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const read = schema.safeParse(given)
  const problems = [
    ...(read.error?.issues ?? []).map((issue) => `${issue.path.join('.')} ${issue.message}`),
    // Half a login would be taken for none, or for one with an empty password.
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

/** Two variables that only make sense together. */
const halfGiven = (given: Record<string, unknown>, one: string, other: string): string[] => [
  ...needs(given, one, other),
  ...needs(given, other, one),
]

/** A variable that says nothing without another. */
const needs = (given: Record<string, unknown>, one: string, other: string): string[] =>
  one in given && !(other in given) ? [`${other} must be set, since ${one} is`] : []

const QUEUES = ['SQS_AI_NOTE_QUEUE_URL', 'SQS_SUMMARY_QUEUE_URL', 'SQS_TRANSCRIPTION_QUEUE_URL'] as const

/** What would be refused by SQS at the first message, in words that say less. */
function queueProblems(settings: Settings | undefined): string[] {
  if (!settings) return []
  const named = QUEUES.flatMap((name) => (settings[name] === undefined ? [] : [{ name, url: settings[name] }]))
  const twice = named.flatMap(({ name, url }, i) => {
    const first = named.slice(0, i).find((other) => other.url === url)
    return first ? [`${name} must be another queue than ${first.name}: their messages differ`] : []
  })
  if (twice.length > 0) return twice
  if (settings.SQS_ENDPOINT ?? settings.AWS_ENDPOINT_URL) return []
  // A signature is good for one region.
  return named.flatMap(({ name, url }) => {
    const region = /^https?:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com/.exec(url)?.[1]
    return region === undefined || region === settings.AWS_REGION ? [] : [`AWS_REGION must be ${region}, since ${name} is there`]
  })
}
