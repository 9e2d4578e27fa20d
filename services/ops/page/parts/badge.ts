import type { State } from '../../../../platform/log/consumers/state.ts'
import { html } from '../html.ts'

/** Each state has its own shape, so that none depends on colour alone. Paths in a 12 × 12 box. */
const SHAPES: Record<State, string> = {
  GONE: 'M6 1a5 5 0 1 0 0 10a5 5 0 0 0 0-10M2.5 9.5l7-7',
  STUCK: 'M1 1h10v10h-10z',
  REWOUND: 'M6 2v8l-5-4zM11 2v8l-5-4z',
  PARKED: 'M1.5 4.5h9v6h-9zM3.5 1.5h5',
  PAUSED: 'M3 2h2v8h-2zM7 2h2v8h-2z',
  FALLING_BEHIND: 'M1 2.5h10l-5 8z',
  UNKNOWN: 'M3.5 4a2.5 2.5 0 1 1 3.5 2.3q-1 .5-1 1.7M6 10.2v.6',
  REBUILDING: 'M10.5 6a4.5 4.5 0 1 1-2-3.7M10.8 0.8v3h-3',
  CATCHING_UP: 'M1 9.5h10l-5-8z',
  OK: 'M1.5 6.5l3 3l6-7',
}
const HOLLOW: ReadonlySet<State> = new Set(['GONE', 'PARKED', 'UNKNOWN', 'REBUILDING', 'OK'])

const TONES: Record<State, Tone> = {
  GONE: 'bad',
  STUCK: 'bad',
  REWOUND: 'bad',
  PARKED: 'warn',
  PAUSED: 'warn',
  FALLING_BEHIND: 'warn',
  UNKNOWN: 'dim',
  REBUILDING: 'busy',
  CATCHING_UP: 'busy',
  OK: 'ok',
}

export type Tone = 'bad' | 'warn' | 'busy' | 'ok' | 'dim'

export const toneOf = (state: State): Tone => TONES[state] ?? 'dim'

/** A consumer's state as a word, a shape and a colour. */
export function StateBadge({ state }: { state: State }) {
  return html`<span class="badge ${toneOf(state)}" data-state=${state}
    ><svg viewBox="0 0 12 12" aria-hidden="true" class=${HOLLOW.has(state) ? 'hollow' : 'full'}><path d=${SHAPES[state] ?? ''} /></svg
    >${state.replaceAll('_', ' ')}</span
  >`
}

/** Any other highlighted word, in one of the tones. */
export function Tag({ tone = 'dim', children }: { tone?: Tone; children?: unknown }) {
  return html`<span class="badge ${tone}">${children}</span>`
}
