import type { Llm } from '#platform/llm/open.ts'
import { patient } from '#platform/llm/patience.ts'
import type { Needs } from './needs.ts'
import { type Replies, repliesOf } from './replies.ts'
import { openTranscripts, type Transcripts } from './transcripts.ts'

export interface WizOptions {
  llm?: Llm
  /** How many messages each may send in a day. */
  quotas?: { user: number; guest: number }
  /** How long a reply may take. */
  replyMs?: number
}

/** All that chat works with. */
export interface Wiz {
  /** Whose model answers, in words. */
  provider: string
  /** Undefined without a key to ask the model with. */
  replies: Replies | undefined
  transcripts: Transcripts
  quotas: { user: number; guest: number }
}

const NOBODY: Llm = { provider: 'Gemini', model: undefined }
/** A model that has not said a word for so long will not. */
const SILENCE_MS = 60_000

export function wizOf(
  needs: Needs,
  { llm: { provider, model } = NOBODY, quotas = { user: 20, guest: 5 }, replyMs = 120_000 }: WizOptions = {},
): Wiz {
  const patience = { silenceMs: Math.min(SILENCE_MS, replyMs), replyMs }
  return {
    provider,
    replies: model && repliesOf(needs, patient(model, patience)),
    transcripts: openTranscripts(needs),
    quotas,
  }
}
