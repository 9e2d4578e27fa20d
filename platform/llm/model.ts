/** A request for a streamed reply. */
export interface ReplyRequest {
  /** The system prompt. */
  instructions: string
  /** Oldest first; the model answers the last one. */
  messages: { from: 'user' | 'model'; text: string }[]
  /** Maximum tokens of the reply; some models count their thinking too. */
  maxTokens: number
}

/** A language model of any provider. */
export interface Model {
  /** The provider's name for the model. */
  readonly name: string
  /** Size of the context window in tokens, including the reply. */
  readonly windowTokens: number
  /**
   * Streams the reply in non-empty pieces. Aborting `signal` ends the call.
   * @throws ModelError, or the reason of `signal`
   */
  reply(request: ReplyRequest, signal: AbortSignal): AsyncIterable<string>
}

/** A worker's question to a model: one text, answered according to the instructions. */
export interface Question {
  instructions: string
  text: string
  /** Maximum tokens of the answer; some models count their thinking too. */
  maxTokens: number
  /** If given, the model is asked for JSON of this form. */
  form?: Form
}

/** A JSON Schema for an answer, limited to what all providers accept. */
export interface Form {
  /** Letters, digits and underscores. */
  name: string
  schema: ObjectSchema
}

/**
 * All properties of an object are required and no others are allowed. No minimums or maximums, because not all providers accept them.
 * The model reads the descriptions of properties.
 */
export type Schema =
  | ObjectSchema
  | { type: 'array'; items: Schema; description?: string }
  | { type: 'string' | 'integer'; description?: string }
export interface ObjectSchema {
  type: 'object'
  properties: Record<string, Schema>
  required: string[]
  additionalProperties: false
}

/** The schema of an object with these properties, in this order. */
export const objectOf = (properties: Record<string, Schema>): ObjectSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})

/** A language model for workers: nobody reads the answer while it is written, so it comes whole. */
export interface Answerer {
  /** The provider's name for the model. */
  readonly name: string
  /**
   * Answers a question. For a question with a form the caller must check the answer: it may be cut off, and some compatible servers
   * ignore forms.
   * @throws ModelError, or the reason of `signal`
   */
  answer(question: Question, signal: AbortSignal): Promise<string>
}

/** A model could not be asked, or did not finish its answer. The message contains no API key. */
export class ModelError extends Error {
  /** HTTP status of the provider's answer, if there was one. */
  readonly status: number | undefined
  /** True when the same question may succeed later. */
  readonly isTemporary: boolean
  constructor(message: string, status?: number, isTemporary = mayPass(status)) {
    super(message)
    this.name = 'ModelError'
    this.status = status
    this.isTemporary = isTemporary
  }
}

/** Rate limits, errors of the provider and missing answers may pass; other client errors are permanent. */
const mayPass = (status: number | undefined) => status === undefined || status === 408 || status === 429 || status >= 500

const MAX_REASON = 300

/**
 * Converts an error of a provider's library. The original error is not kept as cause, because it contains the request and its API key.
 * The message about a refused key is dropped too, because it often quotes the key.
 */
export function modelError(provider: string, error: unknown, key: string): ModelError {
  if (error instanceof ModelError) return error
  const { status, message } = (error ?? {}) as { status?: unknown; message?: unknown }
  const code = typeof status === 'number' ? status : undefined
  if (code === 401 || code === 403) return new ModelError(`${provider} refused the API key (${code})`, code)
  const reason = String(message ?? error)
    .replaceAll(key, '…')
    .slice(0, MAX_REASON)
  return new ModelError(`${provider} failed: ${reason}`, code)
}
