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
export const openFormed = async ({ timeoutMs, ...options }: FormedOptions): Promise<Answerer> =>
  timely(await openProvider(options), timeoutMs)

async function openProvider({ provider, apiKey, model, url }: Omit<FormedOptions, 'timeoutMs'>): Promise<Answerer> {
  switch (provider) {
    case 'anthropic': {
      const { anthropicAnswerer } = await import('./anthropic.ts')
      return anthropicAnswerer({ apiKey, model, baseUrl: url })
    }
    case 'gemini': {
      const { geminiAnswerer } = await import('./gemini.ts')
      return geminiAnswerer({ apiKey, model, baseUrl: url })
    }
    case 'openai': {
      const { openAiAnswerer } = await import('./openai-responses.ts')
      return openAiAnswerer({ apiKey, model, url })
    }
  }
}
