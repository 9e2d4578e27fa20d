import OpenAI from 'openai'
import { type Model, ModelError, modelError } from './model.ts'

export interface OpenAiOptions {
  /** The provider's name for messages. */
  provider: string
  apiKey: string
  model: string
  /** Base URL of another provider with OpenAI's API. */
  baseUrl?: string | undefined
}

/** The context window of the smaller models in use; larger windows are not used. */
const WINDOW_TOKENS = 128_000

/** A model of OpenAI or of a provider with OpenAI's API, with streamed replies, accessed with OpenAI's library. */
export function openAi({ provider, apiKey, model, baseUrl }: OpenAiOptions): Model {
  const client = new OpenAI({
    apiKey,
    baseURL: baseUrl ?? null,
    organization: null,
    project: null,
    maxRetries: 0,
    logLevel: 'off',
  })
  return {
    name: model,
    windowTokens: WINDOW_TOKENS,
    async *reply({ instructions, messages, maxTokens }, signal) {
      signal.throwIfAborted()
      try {
        const stream = await client.chat.completions.create(
          {
            model,
            messages: [
              { role: 'system', content: instructions },
              ...messages.map(({ from, text }) => ({
                role: from === 'user' ? ('user' as const) : ('assistant' as const),
                content: text,
              })),
            ],
            stream: true,
            // OpenAI's own models accept only max_completion_tokens, other providers only max_tokens.
            ...(baseUrl === undefined ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens }),
          },
          { signal },
        )
        for await (const { choices } of stream) {
          const { delta, finish_reason } = choices[0] ?? {}
          if (delta?.content) yield delta.content
          if (finish_reason === 'content_filter')
            throw new ModelError(`${provider} stopped early: ${finish_reason}`, undefined, false)
        }
        // After an abort the library ends the stream as if the answer were complete.
        signal.throwIfAborted()
      } catch (error) {
        signal.throwIfAborted()
        throw modelError(provider, error, apiKey)
      }
    },
  }
}
