import { type EnhancedGenerateContentResponse, GoogleGenerativeAI, type ResponseSchema } from '@google/generative-ai'
import { type Answerer, type Form, type Model, ModelError, modelError, type Schema } from './model.ts'

export interface GeminiOptions {
  apiKey: string
  model: string
  baseUrl: string
}

const WINDOW_TOKENS = 1_000_000

const opened = ({ apiKey, model, baseUrl }: GeminiOptions) =>
  new GoogleGenerativeAI(apiKey).getGenerativeModel({ model }, { baseUrl: baseUrl.replace(/\/+$/, '') })

/** A Gemini model, over Google's library. */
export function gemini(options: GeminiOptions): Model {
  const { apiKey, model } = options
  const asked = opened(options)
  return {
    name: model,
    windowTokens: WINDOW_TOKENS,
    async *reply({ instructions, messages, maxTokens }, signal) {
      signal.throwIfAborted()
      try {
        const { stream, response } = await asked.generateContentStream(
          {
            contents: messages.map(({ from, text }) => ({ role: from, parts: [{ text }] })),
            generationConfig: { maxOutputTokens: maxTokens },
            systemInstruction: { role: 'user', parts: [{ text: instructions }] },
          },
          { signal },
        )
        // The library gathers the whole as well; that it fails along with the stream is nobody else's concern.
        response.catch(() => {})
        for await (const piece of stream) {
          const text = textOf(piece)
          if (text !== '') yield text
        }
      } catch (error) {
        signal.throwIfAborted()
        throw modelError('Gemini', error, apiKey)
      }
    },
  }
}

/** The same, asked for a whole answer. */
export function geminiAnswerer(options: GeminiOptions): Answerer {
  const { apiKey, model } = options
  const asked = opened(options)
  return {
    name: model,
    async answer({ instructions, text, maxTokens, form }, signal) {
      signal.throwIfAborted()
      try {
        const { response } = await asked.generateContent(
          {
            contents: [{ role: 'user', parts: [{ text }] }],
            generationConfig: { maxOutputTokens: maxTokens, ...(form && inForm(form)) },
            systemInstruction: { role: 'user', parts: [{ text: instructions }] },
          },
          { signal },
        )
        return textOf(response)
      } catch (error) {
        signal.throwIfAborted()
        throw modelError('Gemini', error, apiKey)
      }
    },
  }
}

const inForm = ({ schema }: Form) => ({
  responseMimeType: 'application/json',
  responseSchema: asGeminiKnowsIt(schema) as ResponseSchema,
})

/** Its schemas are OpenAPI's of old: they know no `additionalProperties`, and say in which order to write. */
function asGeminiKnowsIt(schema: Schema): object {
  switch (schema.type) {
    case 'object': {
      const { properties, required } = schema
      const known = Object.entries(properties).map(([name, property]) => [name, asGeminiKnowsIt(property)])
      return { type: 'object', properties: Object.fromEntries(known), required, propertyOrdering: required }
    }
    case 'array':
      return { ...schema, items: asGeminiKnowsIt(schema.items) }
    default:
      return schema
  }
}

/** Reasons for an end that are no failure: all has been said, or as much as there was room for. */
const ENDS = new Set(['STOP', 'MAX_TOKENS', 'FINISH_REASON_UNSPECIFIED'])

function textOf({ candidates, promptFeedback }: EnhancedGenerateContentResponse): string {
  if (promptFeedback?.blockReason)
    throw new ModelError(`Gemini did not take the question: ${promptFeedback.blockReason}`, undefined, false)
  const { content, finishReason } = candidates?.[0] ?? {}
  if (finishReason && !ENDS.has(finishReason)) throw new ModelError(`Gemini broke off: ${finishReason}`, undefined, false)
  // What it thinks aloud is no part of the answer.
  const said = (content?.parts ?? []).filter((part) => !(part as { thought?: boolean }).thought)
  return said.map(({ text }) => text ?? '').join('')
}
