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

/** A Gemini model with streamed replies, accessed with Google's library. */
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
        // The library also collects the whole response; its failure is already reported by the stream.
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

/** A Gemini model for whole answers. */
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

/** Converts to Gemini's schemas, which follow an old OpenAPI: no `additionalProperties`, and with an order of properties. */
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

/** Finish reasons that are no failure: the answer is complete, or has reached its maximum length. */
const ENDS = new Set(['STOP', 'MAX_TOKENS', 'FINISH_REASON_UNSPECIFIED'])

function textOf({ candidates, promptFeedback }: EnhancedGenerateContentResponse): string {
  if (promptFeedback?.blockReason)
    throw new ModelError(`Gemini refused the question: ${promptFeedback.blockReason}`, undefined, false)
  const { content, finishReason } = candidates?.[0] ?? {}
  if (finishReason && !ENDS.has(finishReason)) throw new ModelError(`Gemini stopped early: ${finishReason}`, undefined, false)
  // Parts with the model's thinking are not part of the answer.
  const said = (content?.parts ?? []).filter((part) => !(part as { thought?: boolean }).thought)
  return said.map(({ text }) => text ?? '').join('')
}
