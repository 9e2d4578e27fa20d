import type { Asked, Refusal, Script } from './model-server.ts'

// A model that makes flashcards and a quiz in the three providers' formats. It uses the words of the transcript in the question, so
// that its answers pass the checks.

export interface StudyAnswer {
  flashcards: { quote: string; front: string; back: string }[]
  quiz: { quote: string; question: string; options: string[]; correct_answer: number }[]
}

/** A question, independent of the provider's format. */
export interface StudyAsked {
  instructions: string
  text: string
  transcript: string
  cards: number
  questions: number
  /** Language tag that was asked for. */
  language: string | undefined
}

/** Parses a question; undefined if it does not ask for a study. */
export function studyAsked({ body }: Pick<Asked, 'body'>): StudyAsked | undefined {
  if (schemaOf(body) === undefined) return undefined
  const [instructions, text] = [
    [body.system, body.messages?.[0]?.content],
    [body.instructions, body.input],
    [body.systemInstruction?.parts[0].text, body.contents?.[0]?.parts[0].text],
  ].find(([, text]) => typeof text === 'string') as [string, string]
  const transcript = /<transcript>\n([\s\S]*)\n<\/transcript>/.exec(text)?.[1]
  if (transcript === undefined) return undefined
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(text.slice(text.indexOf('</transcript>')))?.[1] ?? 0)
  const language = /^- Write in .* \(([\w-]+)\), except/m.exec(instructions)?.[1]
  return { instructions, text, transcript, cards: count('flashcards?'), questions: count('quiz questions?'), language }
}

// biome-ignore lint/suspicious/noExplicitAny: as it came over the wire
const schemaOf = (body: any): any =>
  body?.output_config?.format?.schema ?? body?.text?.format?.schema ?? body?.generationConfig?.responseSchema

/** The provider's refusal of a schema with unsupported features; undefined if it is supported. */
export function schemaRefusal({ body }: Pick<Asked, 'body'>): Refusal | undefined {
  const isGemini = body.generationConfig !== undefined
  const known = isGemini
    ? ['type', 'description', 'properties', 'required', 'items', 'propertyOrdering']
    : ['type', 'description', 'properties', 'required', 'items', 'additionalProperties']
  // biome-ignore lint/suspicious/noExplicitAny: as it came over the wire
  const problem = (schema: any): string | undefined => {
    const strange = Object.keys(schema).find((key) => !known.includes(key))
    if (strange) return `Unknown name "${strange}"`
    if (schema.type === 'array') return problem(schema.items)
    if (schema.type !== 'object') return undefined
    const names = Object.keys(schema.properties)
    if (!isGemini && schema.additionalProperties !== false) return 'additionalProperties must be false'
    if (names.some((name) => !schema.required.includes(name))) return 'all properties must be required'
    return names.map((name) => problem(schema.properties[name])).find((found) => found !== undefined)
  }
  const message = problem(schemaOf(body))
  return message === undefined ? undefined : { status: 400, message }
}

/** Question templates by language. `…` stands for the words. */
const FRAMES: Record<string, { after: string; next: string }> = {
  en: { after: 'What is said in the video after “…”?', next: 'Which of these words come next after “…”?' },
  de: { after: 'Was wird in dem Video nach „…“ gesagt?', next: 'Welche der Wörter kommen nach „…“?' },
  es: { after: '¿Qué se dice en el video después de «…»?', next: '¿Cuáles de las palabras siguen después de «…»?' },
  fr: { after: 'Que dit-on dans la vidéo après « … » ?', next: 'Lesquels de ces mots suivent dans la phrase « … » ?' },
  hi: { after: 'वीडियो में इन शब्दों के बाद क्या कहा गया है: … ?', next: 'इन शब्दों के बाद कौन से शब्द आते हैं: … ?' },
}

/** Number of words in a question, and in its answer. */
const ASKED_WITH = 4
const ANSWERED_WITH = 4

/** A correct answer: from all parts of the transcript, with varying positions of the right option. */
export function studyFrom({ transcript, cards, questions, language }: StudyAsked): StudyAnswer {
  const spaced = transcript.split(/\s+/).filter(Boolean)
  // Where words are not separated by blanks, three characters count as a word.
  const isSpaced = transcript.length / spaced.length < 15
  const words = isSpaced ? spaced : transcript.match(/\S{1,3}/gu)!
  const blank = isSpaced ? ' ' : ''
  const frame = FRAMES[language?.split('-')[0] ?? ''] ?? { after: '… → ?', next: '… ⇢ ?' }
  const length = ASKED_WITH + ANSWERED_WITH
  const passage = (i: number, of: number) => {
    const start = Math.floor(((words.length - length) * i) / Math.max(1, of - 1))
    const said = words.slice(Math.max(0, start), Math.max(0, start) + length)
    return { said: said.slice(0, ASKED_WITH).join(blank), next: said.slice(ASKED_WITH).join(blank), quote: said.join(blank) }
  }
  // Twice as many passages as items, so that a question and a card never use the same one.
  const places = 2 * Math.max(cards, questions, 4)
  return {
    flashcards: Array.from({ length: cards }, (_, i) => {
      const { said, next, quote } = passage(2 * i, places)
      return { quote, front: frame.after.replace('…', said), back: next }
    }),
    quiz: Array.from({ length: questions }, (_, i) => {
      const { said, next, quote } = passage(2 * i + 1, places)
      const wrong = [3, 5, 7].map((step) => passage((2 * i + 1 + step) % places, places).next)
      return { quote, question: frame.next.replace('…', said), options: wrong.toSpliced(i % 4, 0, next), correct_answer: i % 4 }
    }),
  }
}

/** A script for a model server: answers with a study, possibly altered by `change`; other questions go to `other`. */
export const studying =
  (change: (asked: StudyAsked, right: StudyAnswer) => StudyAnswer | string = (_, right) => right, other?: Script): Script =>
  (asked) => {
    const study = studyAsked(asked)
    if (!study) return other?.(asked) ?? ['Hello.']
    const refusal = schemaRefusal(asked)
    if (refusal) return refusal
    const answer = change(study, studyFrom(study))
    return [typeof answer === 'string' ? answer : JSON.stringify(answer)]
  }
