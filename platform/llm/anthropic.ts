import Anthropic from '@anthropic-ai/sdk'
import { type Answerer, ModelError, modelError } from './model.ts'

export interface AnthropicOptions {
  apiKey: string
  model: string
  baseUrl: string
}

/** A Claude model for whole answers, accessed with Anthropic's library. */
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
          // Without an explicit timeout the library refuses requests for long answers.
          { signal, timeout: LONGEST_MS },
        )
        return textOf(message)
      } catch (error) {
        signal.throwIfAborted()
        if (isHeldBack(error)) throw new ModelError('Anthropic stopped early: content filtering', undefined, false)
        throw modelError('Anthropic', error, apiKey)
      }
    },
  }
}

/** Never reached: callers time out long before. */
const LONGEST_MS = 3_600_000

/** True for an answer blocked by content filtering. It has the status of a bad request, so only the message identifies it. */
const isHeldBack = (error: unknown) =>
  error instanceof Anthropic.BadRequestError && /blocked by content filtering/i.test(error.message)

function textOf({ content, stop_reason }: Anthropic.Message): string {
  if (stop_reason === 'refusal') throw new ModelError('Anthropic stopped early: refusal', undefined, false)
  // Blocks of the model's thinking are not part of the answer.
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}
