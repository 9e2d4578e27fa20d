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

/** A model that could not be asked, or did not answer to the end. The message holds no key. */
export class ModelError extends Error {
  /** Of the provider's HTTP answer, if there was one. */
  readonly status: number | undefined
  constructor(message: string, status?: number) {
    super(message)
    this.name = 'ModelError'
    this.status = status
  }
}

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
