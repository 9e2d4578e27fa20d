import { openAnswerer } from './answerer.ts'
import type { Answerer } from './model.ts'
import { timely } from './timely.ts'

export { type Answerer, type Form, ModelError, objectOf, type Question } from './model.ts'

export interface FormedOptions {
  provider: 'anthropic' | 'gemini' | 'openai'
  apiKey: string
  model: string
  /** Where to ask: the base for Anthropic and Gemini, the whole address of the Responses API for OpenAI. */
  url: string
  /** How long one answer may take. */
  timeoutMs: number
}

/**
 * Opens a model that answers in forms. Only the library of its provider is loaded; nothing connects before the first question.
 * (Apart from `openAnswerer`, so that who writes plain text carries no library that it never asks.)
 */
export async function openFormed({ provider, ...options }: FormedOptions): Promise<Answerer> {
  if (provider !== 'anthropic') return openAnswerer({ provider, ...options })
  const { anthropicAnswerer } = await import('./anthropic.ts')
  const { apiKey, model, url, timeoutMs } = options
  return timely(anthropicAnswerer({ apiKey, model, baseUrl: url }), timeoutMs)
}
