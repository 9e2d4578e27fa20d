import type { AnswererOptions } from '#platform/llm/answerer.ts'
import { OperatorError } from '#platform/operator-error.ts'

/** The environment of a function is invalid. Names every wrong variable, but no values. */
export class EnvironmentError extends OperatorError {
  override name = 'EnvironmentError'
  readonly missing: string[]
  readonly invalid: string[]
  constructor(missing: string[], invalid: string[]) {
    super([...missing.map((name) => `${name} is missing`), ...invalid].join(', '))
    this.missing = missing
    this.invalid = invalid
  }
}

export type Environment = Record<string, string | undefined>

/** Address of the API, and the workers' token. */
export interface ApiAccess {
  url: string
  token: string
  timeoutMs: number
}

/** Region and endpoints of AWS; without an endpoint the SDK uses its default. */
export interface AwsAccess {
  region: string
  s3Endpoint: string | undefined
  sqsEndpoint: string | undefined
}

/** Allowed length of an answer in characters, both bounds included. */
export interface Lengths {
  min: number
  max: number
}

/** Settings of the two functions that ask a model. */
export interface WriterEnvironment {
  api: ApiAccess
  aws: AwsAccess
  bucket: string
  model: AnswererOptions
  /** Maximum number of questions to the model. */
  attempts: number
  lengths: Lengths
  transcript: { attempts: number; delayMs: number }
}

export interface AiNoteEnvironment extends WriterEnvironment {
  window: { bufferSeconds: number; contextRows: number }
}

export interface DispatcherEnvironment {
  api: ApiAccess
  aws: AwsAccess
  noteQueueUrl: string
  summaryQueueUrl: string
}

/**
 * @throws EnvironmentError
 */
export const readAiNoteEnvironment = (env: Environment): AiNoteEnvironment =>
  reading(env, (read) => ({
    ...writer(read, lengths(read, 'NOTE', 40, 120)),
    window: {
      bufferSeconds: read.number('TRANSCRIPT_BUFFER_SECONDS', 15),
      contextRows: read.whole('CONTEXT_SEGMENTS', 15, 0),
    },
  }))

/** @throws EnvironmentError */
export const readAiSummaryEnvironment = (env: Environment): WriterEnvironment =>
  reading(env, (read) => writer(read, lengths(read, 'SUMMARY', 200, 800)))

/** @throws EnvironmentError */
export const readDispatcherEnvironment = (env: Environment): DispatcherEnvironment =>
  reading(env, (read) => ({
    api: api(read),
    aws: aws(read),
    noteQueueUrl: read.required('SQS_QUEUE_URL'),
    summaryQueueUrl: read.required('SQS_SUMMARY_QUEUE_URL'),
  }))

const writer = (read: Reader, lengths: Lengths): WriterEnvironment => ({
  bucket: read.required('S3_BUCKET_NAME'),
  api: api(read),
  model: model(read),
  aws: aws(read),
  attempts: read.whole('MAX_RETRIES', 3, 1),
  lengths,
  transcript: {
    attempts: read.whole('TRANSCRIPT_FETCH_MAX_RETRIES', 5, 1),
    delayMs: read.number('TRANSCRIPT_FETCH_RETRY_DELAY', 2) * 1_000,
  },
})

const api = (read: Reader): ApiAccess => ({
  url: read.requiredUrl('VIDWIZ_ENDPOINT').replace(/\/+$/, ''),
  token: read.required('VIDWIZ_TOKEN'),
  timeoutMs: requestTimeoutMs(read),
})

const requestTimeoutMs = (read: Reader) => Math.max(1, read.number('REQUEST_TIMEOUT', 30) * 1_000)

/** In addition to the worker contract: base URLs of Gemini and OpenRouter, and OpenRouter itself. */
function model(read: Reader): AnswererOptions {
  const timeoutMs = requestTimeoutMs(read)
  const provider = read.choice('LLM_PROVIDER', ['gemini', 'openai', 'openrouter'])
  switch (provider) {
    case 'gemini':
      return {
        provider,
        timeoutMs,
        apiKey: read.required('GEMINI_API_KEY'),
        model: read.text('GEMINI_MODEL', 'gemini-2.5-flash'),
        url: read.url('GEMINI_BASE_URL', 'https://generativelanguage.googleapis.com'),
      }
    case 'openai':
      return {
        provider,
        timeoutMs,
        apiKey: read.required('OPENAI_API_KEY'),
        model: read.text('OPENAI_MODEL', 'gpt-5-nano'),
        url: read.url('OPENAI_API_URL', 'https://api.openai.com/v1/responses'),
      }
    case 'openrouter':
      return {
        provider,
        timeoutMs,
        apiKey: read.required('OPENROUTER_API_KEY'),
        model: read.text('OPENROUTER_MODEL', 'google/gemini-2.5-flash'),
        url: read.url('OPENROUTER_BASE_URL', 'https://openrouter.ai/api/v1'),
      }
  }
}

function aws(read: Reader): AwsAccess {
  const both = read.text('AWS_ENDPOINT_URL', '') || undefined
  return {
    region: read.text('AWS_REGION', 'ap-south-1'),
    s3Endpoint: read.text('S3_ENDPOINT', '') || read.text('AWS_ENDPOINT_URL_S3', '') || both,
    sqsEndpoint: read.text('SQS_ENDPOINT', '') || read.text('AWS_ENDPOINT_URL_SQS', '') || both,
  }
}

function lengths(read: Reader, of: 'NOTE' | 'SUMMARY', usualMin: number, usualMax: number): Lengths {
  const [min, max] = [read.whole(`MIN_${of}_LENGTH`, usualMin, 0), read.whole(`MAX_${of}_LENGTH`, usualMax, 1)]
  if (min > max) read.invalid(`MIN_${of}_LENGTH must not be more than MAX_${of}_LENGTH`)
  return { min, max }
}

type Reader = ReturnType<typeof reader>

/** Reads all variables before it throws, so that the error names every problem. */
function reading<T>(env: Environment, read: (reader: Reader) => T): T {
  const missing = new Set<string>()
  const invalid = new Set<string>()
  const value = read(reader(env, missing, invalid))
  if (missing.size + invalid.size > 0) throw new EnvironmentError([...missing], [...invalid])
  return value
}

/** Records each problem and returns a value of the right type, so that reading can go on. */
function reader(env: Environment, missing: Set<string>, invalid: Set<string>) {
  const text = (name: string, usual: string) => env[name]?.trim() || usual
  const required = (name: string) => {
    const value = text(name, '')
    if (value === '') missing.add(name)
    return value
  }
  const checkedUrl = (name: string, url: string) => {
    if (url !== '' && !(/^https?:/.test(url) && URL.canParse(url)))
      invalid.add(`${name} must be a URL that begins with http:// or https://`)
    return url
  }
  const number = (name: string, usual: number) => {
    const value = Number(text(name, String(usual)))
    if (Number.isFinite(value) && value >= 0) return value
    invalid.add(`${name} must be a number, 0 or more`)
    return usual
  }
  return {
    text,
    required,
    number,
    url: (name: string, usual: string) => checkedUrl(name, text(name, usual)),
    requiredUrl: (name: string) => checkedUrl(name, required(name)),
    whole(name: string, usual: number, min: number) {
      const value = number(name, usual)
      if (Number.isSafeInteger(value) && value >= min) return value
      invalid.add(`${name} must be a whole number, ${min} or more`)
      return usual
    },
    choice<T extends string>(name: string, [usual, ...others]: [T, ...T[]]): T {
      const value = text(name, usual)
      const known = [usual, ...others].find((one) => one === value)
      if (known === undefined)
        invalid.add(`${name} must be ${others.slice(0, -1).join(', ')} or ${others.at(-1)}, or unset for ${usual}`)
      return known ?? usual
    },
    invalid: (problem: string) => void invalid.add(problem),
  }
}
