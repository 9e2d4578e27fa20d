import type { Cue } from './row.ts'

/** YouTube shows a finished line once more for ten milliseconds before the next one begins. */
const FLASH_MS = 50

/**
 * Merges what automatic captions say twice: each line stays on the screen while the next one is spoken, and is then in both cues.
 * Every line is left once, with the cue in which it first appeared, and no cue lasts longer than until the next one begins. A
 * line that a cue repeats by itself is no leftover: that was said twice.
 * @param cues in the order of their beginning
 */
export function mergeRolling(cues: readonly Cue[]): Cue[] {
  const merged: Cue[] = []
  let shown: Cue | undefined
  for (const cue of cues) {
    const leftover = overlap(shown?.lines ?? [], cue.lines)
    const isNews = leftover < cue.lines.length
    const isFlash = cue.endMs - cue.startMs <= FLASH_MS
    if (isNews) merged.push({ ...cue, lines: cue.lines.slice(leftover) })
    else if (!isFlash) merged.push({ ...cue })
    shown = cue
  }
  return merged.map((cue, i) => {
    const next = merged[i + 1]
    return next ? { ...cue, endMs: Math.max(cue.startMs, Math.min(cue.endMs, next.startMs)) } : cue
  })
}

/** How many of the first lines are the last ones of what was shown before. */
function overlap(before: string[], lines: string[]): number {
  for (let count = Math.min(before.length, lines.length); count > 0; count--)
    if (lines.slice(0, count).every((line, i) => line === before[before.length - count + i])) return count
  return 0
}
