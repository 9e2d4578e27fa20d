/** What a model is asked. */
export interface ReplyRequest {
  /** What it is to know and to keep to. */
  instructions: string
  /** Oldest first; the last one is to be answered. */
  messages: { from: 'user' | 'model'; text: string }[]
  /** Most tokens of the reply; with some models their thinking counts too. */
  maxTokens: number
}

/** A language model, whoever runs it. */
export interface Model {
  /** As its provider calls it. */
  readonly name: string
  /** How many tokens it can take in, with the reply. */
  readonly windowTokens: number
  /**
   * Replies piece by piece, as the words come; no piece is empty. Aborting `signal` ends the call.
   * @throws ModelError, or the reason of `signal`
   */
  reply(request: ReplyRequest, signal: AbortSignal): AsyncIterable<string>
}

/** What a worker asks a model: one text, to be answered as the instructions say. */
export interface Question {
  instructions: string
  text: string
  /** Most tokens of the answer; with some models their thinking counts too. */
  maxTokens: number
  /** The answer is to be JSON of this form. */
  form?: Form
}

/** A form for an answer, in the part of JSON Schema that all providers take. */
export interface Form {
  /** Letters, digits and underscores. */
  name: string
  schema: ObjectSchema
}

/**
 * All properties of an object are required and there are no others; nothing is counted, for not all providers take a least or a most.
 * The description of a property is read by the model.
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

/** An object with these properties, in this order. */
export const objectOf = (properties: Record<string, Schema>): ObjectSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})

/** A language model as workers ask it: nobody reads along, so the answer comes whole. */
export interface Answerer {
  /** As its provider calls it. */
  readonly name: string
  /**
   * Answers. When the question has a form, the answer is meant to be JSON of that form: it may be cut off, and some that speak as
   * others do pay no heed to forms, so it has to be checked.
   * @throws ModelError, or the reason of `signal`
   */
  answer(question: Question, signal: AbortSignal): Promise<string>
}

/** A model that could not be asked, or did not answer to the end. The message holds no key. */
export class ModelError extends Error {
  /** Of the provider's HTTP answer, if there was one. */
  readonly status: number | undefined
  /** Whether the same question may be answered another time. */
  readonly isTemporary: boolean
  constructor(message: string, status?: number, isTemporary = mayPass(status)) {
    super(message)
    this.name = 'ModelError'
    this.status = status
    this.isTemporary = isTemporary
  }
}

/** Too much at once, trouble of the provider's own, or no answer at all: that passes. A refusal stays one. */
const mayPass = (status: number | undefined) => status === undefined || status === 408 || status === 429 || status >= 500

const MAX_REASON = 300

/**
 * Says what a provider's library failed with. The error itself is not handed on: libraries keep the request in it, and with
 * it the key. Nor is what is said of a refused key, for that tends to quote it.
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
