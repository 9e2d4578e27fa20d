import Anthropic from '@anthropic-ai/sdk'
import { type Answerer, ModelError, modelError } from './model.ts'

export interface AnthropicOptions {
  apiKey: string
  model: string
  baseUrl: string
}

/** A Claude model, asked for whole answers over Anthropic's library. */
export function anthropicAnswerer({ apiKey, model, baseUrl }: AnthropicOptions): Answerer {
  const client = new Anthropic({
    apiKey,
    baseURL: baseUrl.replace(/\/+$/, ''),
    maxRetries: 0,
    logLevel: 'off',
    openTelemetry: false,
  })
  return {
    name: model,
    async answer({ instructions, text, maxTokens, form }, signal) {
      signal.throwIfAborted()
      try {
        const message = await client.messages.create(
          {
            model,
            max_tokens: maxTokens,
            system: instructions,
            messages: [{ role: 'user', content: text }],
            ...(form && { output_config: { format: { type: 'json_schema' as const, schema: { ...form.schema } } } }),
          },
          // A time of one's own: the library refuses long answers that have none.
          { signal, timeout: LONGEST_MS },
        )
        return textOf(message)
      } catch (error) {
        signal.throwIfAborted()
        if (isHeldBack(error)) throw new ModelError('Anthropic broke off: content filtering', undefined, false)
        throw modelError('Anthropic', error, apiKey)
      }
    },
  }
}

/** Who asks gives up long before. */
const LONGEST_MS = 3_600_000

/** Said with the status of a wrong question, and known by its words only. */
const isHeldBack = (error: unknown) =>
  error instanceof Anthropic.BadRequestError && /blocked by content filtering/i.test(error.message)

function textOf({ content, stop_reason }: Anthropic.Message): string {
  if (stop_reason === 'refusal') throw new ModelError('Anthropic broke off: refusal', undefined, false)
  // What it thinks aloud is no part of the answer.
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}
