import OpenAI from 'openai'
import { type Answerer, ModelError, modelError } from './model.ts'

export interface OpenAiResponsesOptions {
  apiKey: string
  model: string
  /** The whole address of the Responses API, of OpenAI or of who speaks as it does. */
  url: string
}

/** What is read of an answer: its texts, and why there may be none. */
interface Answer {
  status?: string
  error?: { message?: string } | null
  incomplete_details?: { reason?: string } | null
  output?: { type: string; content?: { type: string; text?: string; refusal?: string }[] }[]
}

/** Codes of errors that speak of what was asked, not of how. */
const REFUSALS = new Set(['invalid_prompt', 'content_policy_violation', 'content_filter'])

/** A model of OpenAI, asked for whole answers over its Responses API. */
export function openAiAnswerer({ apiKey, model, url }: OpenAiResponsesOptions): Answerer {
  const client = new OpenAI({ apiKey, organization: null, project: null, maxRetries: 0, logLevel: 'off' })
  return {
    name: model,
    async answer({ instructions, text, maxTokens, form }, signal) {
      signal.throwIfAborted()
      try {
        // Answers need not be kept for anybody to come back to.
        const body = {
          model,
          instructions,
          input: text,
          max_output_tokens: maxTokens,
          store: false,
          ...(form && { text: { format: { type: 'json_schema', ...form, strict: true } } }),
        }
        return textOf(await client.post<Answer>(url, { body, signal }))
      } catch (error) {
        signal.throwIfAborted()
        if (REFUSALS.has((error as { code?: string } | null)?.code ?? ''))
          throw new ModelError('OpenAI did not take the question', undefined, false)
        throw modelError('OpenAI', error, apiKey)
      }
    },
  }
}

function textOf({ status, error, incomplete_details, output }: Answer): string {
  if (status === 'failed') throw new ModelError(`OpenAI failed: ${error?.message ?? 'it does not say why'}`)
  if (incomplete_details?.reason === 'content_filter') throw new ModelError('OpenAI broke off: content_filter', undefined, false)
  const parts = (output ?? []).filter(({ type }) => type === 'message').flatMap(({ content }) => content ?? [])
  if (parts.some(({ type }) => type === 'refusal')) throw new ModelError('OpenAI refused to answer', undefined, false)
  return parts.map(({ type, text }) => (type === 'output_text' ? (text ?? '') : '')).join('')
}
