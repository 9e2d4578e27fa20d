import type { Settings } from '#platform/config/settings.ts'

const NAMES = { gemini: 'GEMINI_API_KEY', openai: 'OPENAI_API_KEY', openrouter: 'OPENROUTER_API_KEY' } as const

/** The name of the environment variable with the provider's API key. */
export const keyNameOf = ({ LLM_PROVIDER }: Pick<Settings, 'LLM_PROVIDER'>) => NAMES[LLM_PROVIDER]

const STUDY_NAMES = { anthropic: 'ANTHROPIC_API_KEY', gemini: 'GEMINI_API_KEY', openai: 'OPENAI_API_KEY' } as const
export type StudyProvider = keyof typeof STUDY_NAMES
export type StudyKeys = Pick<Settings, 'STUDY_PROVIDER' | 'LLM_PROVIDER' | (typeof STUDY_NAMES)[StudyProvider]>

/**
 * The provider for flashcards and quizzes, and the variable with its key: `STUDY_PROVIDER` if set, otherwise the first with a key of
 * Anthropic, `LLM_PROVIDER`, and the others. Undefined when none has a key.
 */
export function studyProviderOf(settings: StudyKeys): { provider: StudyProvider; keyName: string; apiKey: string } | undefined {
  const { STUDY_PROVIDER: named, LLM_PROVIDER: ofChat } = settings
  const inTurn = named
    ? [named]
    : [...new Set<StudyProvider>(['anthropic', ...(ofChat === 'openrouter' ? [] : [ofChat]), 'gemini', 'openai'])]
  for (const provider of inTurn) {
    const keyName = STUDY_NAMES[provider]
    const apiKey = settings[keyName]
    if (apiKey) return { provider, keyName, apiKey }
  }
  return undefined
}

/** The variables to set when no provider has a key, for messages. */
export const studyKeyWanted = ({ STUDY_PROVIDER: named }: Pick<Settings, 'STUDY_PROVIDER'>): string =>
  named ? STUDY_NAMES[named] : 'ANTHROPIC_API_KEY, GEMINI_API_KEY or OPENAI_API_KEY'
