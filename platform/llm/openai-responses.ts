import OpenAI from 'openai'
import { type Answerer, ModelError, modelError } from './model.ts'

export interface OpenAiResponsesOptions {
  apiKey: string
  model: string
  /** The full URL of the Responses API, of OpenAI or a compatible server. */
  url: string
}

/** The parts of an answer that are used: its texts, and reasons why there are none. */
interface Answer {
  status?: string
  error?: { message?: string } | null
  incomplete_details?: { reason?: string } | null
  output?: { type: string; content?: { type: string; text?: string; refusal?: string }[] }[]
}

/** Codes of errors about the content of the question, not the form of the request. */
const REFUSALS = new Set(['invalid_prompt', 'content_policy_violation', 'content_filter'])

/** An OpenAI model for whole answers, accessed with the Responses API. */
export function openAiAnswerer({ apiKey, model, url }: OpenAiResponsesOptions): Answerer {
  const client = new OpenAI({ apiKey, organization: null, project: null, maxRetries: 0, logLevel: 'off' })
  return {
    name: model,
    async answer({ instructions, text, maxTokens, form }, signal) {
      signal.throwIfAborted()
      try {
        // `store: false`: OpenAI need not keep the answer, because no follow-up question refers to it.
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
          throw new ModelError('OpenAI refused the question', undefined, false)
        throw modelError('OpenAI', error, apiKey)
      }
    },
  }
}

function textOf({ status, error, incomplete_details, output }: Answer): string {
  if (status === 'failed') throw new ModelError(`OpenAI failed: ${error?.message ?? 'it does not say why'}`)
  if (incomplete_details?.reason === 'content_filter')
    throw new ModelError('OpenAI stopped early: content_filter', undefined, false)
  const parts = (output ?? []).filter(({ type }) => type === 'message').flatMap(({ content }) => content ?? [])
  if (parts.some(({ type }) => type === 'refusal')) throw new ModelError('OpenAI refused to answer', undefined, false)
  return parts.map(({ type, text }) => (type === 'output_text' ? (text ?? '') : '')).join('')
}
