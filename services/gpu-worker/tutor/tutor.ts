import { language as languageTag } from '#events/media.ts'
import type { Settings } from '#platform/config/settings.ts'
import { type Answerer, openFormed } from '#platform/llm/formed.ts'
import { studyKeyWanted, studyProviderOf } from '#platform/llm/key.ts'
import { StudyError, type Tutor } from '../ports.ts'
import { baseOf, guessed } from './language.ts'
import { make } from './making.ts'
import { sectionsOf, spoken } from './sections.ts'
import { countOfWords, wordsOf } from './words.ts'

/** Fewer words do not yield five items. */
export const FEWEST_WORDS = 40

export interface TutorOptions {
  /** Time limit for one answer. */
  answerMs?: number
  /** Pause after a temporary error of the model. */
  pauseMs?: number
}

const ANSWER_MS = 180_000
const PAUSE_MS = 5_000

/** Opens the tutor for the settings. It connects with the first study; without a key each study fails with `no-model`. */
export function openTutor(settings: Settings, { answerMs = ANSWER_MS, pauseMs = PAUSE_MS }: TutorOptions = {}): Tutor {
  let opened: Promise<Answerer> | undefined
  return {
    async study({ rows, language: spokenIn }, { language: wanted, title, signal, onProgress }) {
      signal.throwIfAborted()
      const asked = tagIn(wanted)
      const chosen = studyModelOf(settings)
      if (!chosen) throw new StudyError('no-model', `Flashcards and a quiz need a model: set ${studyKeyWanted(settings)}`)
      const text = spoken(rows)
      const words = Math.floor(countOfWords(wordsOf(text)))
      if (words < FEWEST_WORDS)
        throw new StudyError('nothing-said', `Only ${words} words are said, too few for flashcards and a quiz (${FEWEST_WORDS})`)
      opened ??= openFormed({ ...chosen, timeoutMs: answerMs })
      const model = await opened
      const seen = knownOnly(guessed(text))
      const original = tagIn(spokenIn) ?? seen
      const language = asked ?? original
      const made = await make({
        model,
        sections: sectionsOf(text),
        title: title?.trim() || undefined,
        language,
        // Prefer the language detected in the text: captions are often labelled with a wrong one.
        isTranslated: language !== undefined && !areOneLanguage(language, seen ?? original),
        isWrittenAlike: asked === undefined || areOneLanguage(asked, original),
        signal,
        onProgress,
        pauseMs,
      })
      return { language: language ?? UNDETERMINED, ...made, model: model.name }
    },
  }
}

/** In language tags: undetermined. */
const UNDETERMINED = 'und'
/** Some captions have a display name instead of a tag, such as `English (auto-generated)`. */
const tagIn = (language: string | undefined) => languageTag.safeParse(language).data
const knownOnly = (tag: string) => (tag === UNDETERMINED ? undefined : tag)

const areOneLanguage = (one: string, other: string | undefined) => other !== undefined && baseOf(one) === baseOf(other)

function studyModelOf(settings: Settings) {
  const chosen = studyProviderOf(settings)
  if (!chosen) return undefined
  const { provider, apiKey } = chosen
  const { usual, url } = AT[provider](settings)
  return { provider, apiKey, model: settings.STUDY_MODEL ?? usual, url }
}

/** Capable enough, and about as cheap as the defaults of the other providers. */
const USUAL_CLAUDE = 'claude-haiku-5-5'

const AT = {
  anthropic: ({ ANTHROPIC_BASE_URL: url }: Settings) => ({ usual: USUAL_CLAUDE, url }),
  gemini: ({ GEMINI_MODEL_NAME: usual, GEMINI_BASE_URL: url }: Settings) => ({ usual, url }),
  openai: ({ OPENAI_MODEL: usual, OPENAI_BASE_URL: url = 'https://api.openai.com/v1' }: Settings) => ({
    usual,
    url: `${url.replace(/\/+$/, '')}/responses`,
  }),
}
