import type { ChildProcess } from 'node:child_process'

export interface AnswersOptions {
  everyMs?: number
  /** A part that has not answered for this long is frozen, or far too busy. */
  silentMs?: number
  /** Called once when a part gives no answer any more, and once when it answers again. */
  onSilent(silentMs: number): void
  onAnswer(silentMs: number): void
}

const EVERY_MS = 5_000
const SILENT_MS = 15_000

/**
 * Asks a process every few seconds whether it answers, until it ends. Consumers watch each other through the database; other services,
 * such as the API or a helper, have nobody else who would tell that they are frozen.
 */
export function watchAnswers(
  child: ChildProcess,
  { everyMs = EVERY_MS, silentMs = SILENT_MS, onSilent, onAnswer }: AnswersOptions,
): void {
  /** When the question was asked that is not answered yet. */
  let asked: number | undefined
  let isTold = false
  let lookedAt = performance.now()
  const silence = () => Math.round(performance.now() - asked!)

  const timer = setInterval(() => {
    const now = performance.now()
    // This process was frozen itself: that says nothing about the part.
    if (asked !== undefined && now - lookedAt > 2 * everyMs) asked = now
    lookedAt = now
    if (asked === undefined) {
      asked = now
      // It may just have ended.
      if (child.connected) child.send('ping', () => {})
    } else if (!isTold && now - asked >= silentMs) {
      isTold = true
      onSilent(silence())
    }
  }, everyMs)
  child.on('message', (answer) => {
    if (answer !== 'pong' || asked === undefined) return
    if (isTold) onAnswer(silence())
    asked = undefined
    isTold = false
  })
  child.once('exit', () => clearInterval(timer))
}
