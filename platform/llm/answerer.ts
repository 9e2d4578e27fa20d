import { type Answerer, ModelError } from './model.ts'
import { timely } from './timely.ts'

export { type Answerer, ModelError, type Question } from './model.ts'

export interface AnswererOptions {
  provider: 'gemini' | 'openai' | 'openrouter'
  apiKey: string
  model: string
  /** The base URL for Gemini and OpenRouter; the full URL of the Responses API for OpenAI. */
  url: string
  /** How long one answer may take. */
  timeoutMs: number
}

/** Opens a model for whole answers. Loads only its provider's library; nothing connects before the first question. */
export const openAnswerer = async ({ timeoutMs, ...options }: AnswererOptions): Promise<Answerer> =>
  timely(await openProvider(options), timeoutMs)

async function openProvider({ provider, apiKey, model, url }: Omit<AnswererOptions, 'timeoutMs'>): Promise<Answerer> {
  switch (provider) {
    case 'gemini': {
      const { geminiAnswerer } = await import('./gemini.ts')
      return geminiAnswerer({ apiKey, model, baseUrl: url })
    }
    case 'openai': {
      const { openAiAnswerer } = await import('./openai-responses.ts')
      return openAiAnswerer({ apiKey, model, url })
    }
    case 'openrouter': {
      const { openAi } = await import('./openai.ts')
      const asked = openAi({ provider: 'OpenRouter', apiKey, model, baseUrl: url })
      // OpenRouter has no reliable Responses API, so this joins a streamed reply.
      return {
        name: model,
        answer: async ({ instructions, text, maxTokens, form }, signal) => {
          if (form) throw new ModelError('OpenRouter cannot be asked for JSON answers', undefined, false)
          const request = { instructions, messages: [{ from: 'user' as const, text }], maxTokens }
          let answer = ''
          for await (const piece of asked.reply(request, signal)) answer += piece
          return answer
        },
      }
    }
  }
}
