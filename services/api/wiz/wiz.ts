import type { Llm } from '#platform/llm/open.ts'
import { patient } from '#platform/llm/patience.ts'
import type { Needs } from './needs.ts'
import { type Replies, repliesOf } from './replies.ts'
import { openTranscripts, type Transcripts } from './transcripts.ts'

export interface WizOptions {
  llm?: Llm
  /** Messages that each viewer may send in a day. */
  quotas?: { user: number; guest: number }
  /** Maximum time for a reply. */
  replyMs?: number
}

/** The parts of chat. */
export interface Wiz {
  /** Name of the model's provider, for messages. */
  provider: string
  /** Undefined without an API key for the model. */
  replies: Replies | undefined
  transcripts: Transcripts
  quotas: { user: number; guest: number }
}

const NOBODY: Llm = { provider: 'Gemini', model: undefined }
/** A model silent for this long is taken to have failed. */
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
