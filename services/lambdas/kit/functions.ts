import { type Environment, readAiNoteEnvironment, readAiSummaryEnvironment, readDispatcherEnvironment } from './environment.ts'

/** A function, as declared to AWS (template.yaml) and as run by the local runner. */
export interface FunctionSpec {
  name: 'ai-note' | 'ai-summary' | 'tasks-dispatcher'
  /** For one batch. */
  timeoutSeconds: number
  memoryMb: number
  /** Maximum number of messages in a batch. */
  batchSize: number
  /** Reads the function's settings from its environment. @throws EnvironmentError */
  readEnvironment(env: Environment): unknown
}

/** More than MAX_RETRIES questions of REQUEST_TIMEOUT each, with the defaults of both. */
const TIMEOUT_SECONDS = 120
const MEMORY_MB = 256
const BATCH_SIZE = 10

const usual = { timeoutSeconds: TIMEOUT_SECONDS, memoryMb: MEMORY_MB, batchSize: BATCH_SIZE }

export const functions: readonly FunctionSpec[] = [
  { name: 'ai-note', ...usual, readEnvironment: readAiNoteEnvironment },
  { name: 'ai-summary', ...usual, readEnvironment: readAiSummaryEnvironment },
  { name: 'tasks-dispatcher', ...usual, readEnvironment: readDispatcherEnvironment },
]

/** Variables that a function may be given, besides those of AWS. */
export const variables = [
  'S3_BUCKET_NAME',
  'S3_ENDPOINT',
  'VIDWIZ_ENDPOINT',
  'VIDWIZ_TOKEN',
  'LLM_PROVIDER',
  'GEMINI_API_KEY',
  'GEMINI_MODEL',
  'GEMINI_BASE_URL',
  'OPENAI_API_KEY',
  'OPENAI_MODEL',
  'OPENAI_API_URL',
  'OPENROUTER_API_KEY',
  'OPENROUTER_MODEL',
  'OPENROUTER_BASE_URL',
  'TRANSCRIPT_BUFFER_SECONDS',
  'CONTEXT_SEGMENTS',
  'MIN_NOTE_LENGTH',
  'MAX_NOTE_LENGTH',
  'MIN_SUMMARY_LENGTH',
  'MAX_SUMMARY_LENGTH',
  'MAX_RETRIES',
  'REQUEST_TIMEOUT',
  'TRANSCRIPT_FETCH_MAX_RETRIES',
  'TRANSCRIPT_FETCH_RETRY_DELAY',
  'SQS_QUEUE_URL',
  'SQS_SUMMARY_QUEUE_URL',
  'SQS_ENDPOINT',
] as const
