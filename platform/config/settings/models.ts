import { z } from 'zod'
import { type Chapter, httpUrl, text, wholeNumber } from './kinds.ts'

const key = (of: string) =>
  text.meta({
    description: `Key for ${of}.`,
    unset: 'with this provider chat answers 500, notes and summaries by AI wait',
    secret: true,
  })

const model = (id: string, of: string) => z.string().default(id).describe(`Model of ${of}.`)

export const models = {
  title: 'Language models',
  about: 'For chat, notes and summaries by AI. Flashcards and quizzes have their own model ([below](#media-workers)).',
  settings: {
    LLM_PROVIDER: z
      .enum(['gemini', 'openai', 'openrouter'], { error: 'must be gemini, openai or openrouter' })
      .default('gemini')
      .describe('`gemini`, `openai` (or a server that speaks its API, see `OPENAI_BASE_URL`) or `openrouter`.'),
    GEMINI_API_KEY: key('Gemini'),
    GEMINI_MODEL_NAME: model('gemini-2.5-flash', 'Gemini'),
    GEMINI_BASE_URL: httpUrl.default('https://generativelanguage.googleapis.com').describe('Address of Gemini.'),
    OPENAI_API_KEY: key('OpenAI'),
    OPENAI_MODEL: model('gpt-5-nano', 'OpenAI'),
    OPENAI_BASE_URL: httpUrl
      .optional()
      .meta({ description: 'Address of OpenAI, or of a server that speaks its API.', unset: 'OpenAI’s' }),
    OPENROUTER_API_KEY: key('OpenRouter'),
    OPENROUTER_MODEL: model('google/gemini-2.5-flash', 'OpenRouter'),
    OPENROUTER_BASE_URL: httpUrl.default('https://openrouter.ai/api/v1').describe('Address of OpenRouter.'),
    LLM_WINDOW_TOKENS: wholeNumber('a whole number of tokens, at least 2000', 2_000).optional().meta({
      description: 'Longest input of the model. Longer transcripts are shortened to fit.',
      unset: 'by provider',
    }),
  },
} satisfies Chapter
