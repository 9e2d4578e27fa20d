import OpenAI from 'openai'
import { type Model, ModelError, modelError } from './model.ts'

export interface OpenAiOptions {
  /** Whose it is, in words. */
  provider: string
  apiKey: string
  model: string
  /** Of another provider that speaks as OpenAI does. */
  baseUrl?: string | undefined
}

/** Of the smaller ones that are in use: who has more is not asked for it. */
const WINDOW_TOKENS = 128_000

/** A model of OpenAI, or of anybody who speaks as OpenAI does, over OpenAI's library. */
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
            // OpenAI's own models take only the one, others know only the other.
            ...(baseUrl === undefined ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens }),
          },
          { signal },
        )
        for await (const { choices } of stream) {
          const { delta, finish_reason } = choices[0] ?? {}
          if (delta?.content) yield delta.content
          if (finish_reason === 'content_filter')
            throw new ModelError(`${provider} broke off: ${finish_reason}`, undefined, false)
        }
        // The library takes that for the end of the answer.
        signal.throwIfAborted()
      } catch (error) {
        signal.throwIfAborted()
        throw modelError(provider, error, apiKey)
      }
    },
  }
}
