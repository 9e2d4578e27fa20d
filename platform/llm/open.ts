import type { Settings } from '#platform/config/settings.ts'
import type { Model } from './model.ts'

export { type Model, ModelError, type ReplyRequest } from './model.ts'

/** A provider, and its model if there is an API key. */
export interface Llm {
  /** For display, for example `Gemini`. */
  provider: string
  model: Model | undefined
}

/** Opens the model of `LLM_PROVIDER`. Loads only that provider's library; nothing connects before the first question. */
export async function openLlm(settings: Settings): Promise<Llm> {
  const { provider, model } = await openProvider(settings)
  const { LLM_WINDOW_TOKENS: windowTokens = model?.windowTokens } = settings
  return { provider, model: model && { ...model, windowTokens: windowTokens! } }
}

async function openProvider(settings: Settings): Promise<Llm> {
  switch (settings.LLM_PROVIDER) {
    case 'gemini': {
      const { GEMINI_API_KEY: apiKey, GEMINI_MODEL_NAME: model, GEMINI_BASE_URL: baseUrl } = settings
      if (!apiKey) return { provider: 'Gemini', model: undefined }
      const { gemini } = await import('./gemini.ts')
      return { provider: 'Gemini', model: gemini({ apiKey, model, baseUrl }) }
    }
    case 'openai': {
      const { OPENAI_API_KEY: apiKey, OPENAI_MODEL: model, OPENAI_BASE_URL: baseUrl } = settings
      return speakingAsOpenAi({ provider: 'OpenAI', apiKey, model, baseUrl })
    }
    case 'openrouter': {
      const { OPENROUTER_API_KEY: apiKey, OPENROUTER_MODEL: model, OPENROUTER_BASE_URL: baseUrl } = settings
      return speakingAsOpenAi({ provider: 'OpenRouter', apiKey, model, baseUrl })
    }
  }
}

async function speakingAsOpenAi(asked: {
  provider: string
  apiKey: string | undefined
  model: string
  baseUrl: string | undefined
}): Promise<Llm> {
  const { provider, apiKey } = asked
  if (!apiKey) return { provider, model: undefined }
  const { openAi } = await import('./openai.ts')
  return { provider, model: openAi({ ...asked, apiKey }) }
}
