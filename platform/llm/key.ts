import type { Settings } from '#platform/config/settings.ts'

const NAMES = { gemini: 'GEMINI_API_KEY', openai: 'OPENAI_API_KEY', openrouter: 'OPENROUTER_API_KEY' } as const

/** The variable that holds the key of the provider that is asked. */
export const keyNameOf = ({ LLM_PROVIDER }: Pick<Settings, 'LLM_PROVIDER'>) => NAMES[LLM_PROVIDER]
