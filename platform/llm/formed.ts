import { openAnswerer } from './answerer.ts'
import type { Answerer } from './model.ts'
import { timely } from './timely.ts'

export { type Answerer, type Form, ModelError, objectOf, type Question } from './model.ts'

export interface FormedOptions {
  provider: 'anthropic' | 'gemini' | 'openai'
  apiKey: string
  model: string
  /** The base URL for Anthropic and Gemini; the full URL of the Responses API for OpenAI. */
  url: string
  /** How long one answer may take. */
  timeoutMs: number
}

/**
 * Opens a model that answers in forms (JSON schemas). Loads only its provider's library; nothing connects before the first question.
 * Separate from `openAnswerer`, so that workers that need only plain text do not bundle Anthropic's library.
 */
export async function openFormed({ provider, ...options }: FormedOptions): Promise<Answerer> {
  if (provider !== 'anthropic') return openAnswerer({ provider, ...options })
  const { anthropicAnswerer } = await import('./anthropic.ts')
  const { apiKey, model, url, timeoutMs } = options
  return timely(anthropicAnswerer({ apiKey, model, baseUrl: url }), timeoutMs)
}
