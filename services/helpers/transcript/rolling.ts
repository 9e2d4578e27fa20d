import type { Cue } from './row.ts'

/** YouTube repeats a finished line for ten milliseconds before the next one begins. */
const FLASH_MS = 50

/**
 * Removes the repetitions in automatic captions: a line stays on the screen while the next one is spoken, so two cues contain it.
 * Each line is kept once, in the cue where it first appeared, and a cue lasts at most until the next one begins. A cue that repeats
 * only earlier lines, and is not a flash, is kept: the lines were spoken twice.
 * @param cues in order of their start
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

/** Number of lines at the start that are also the last lines of `before`. */
function overlap(before: string[], lines: string[]): number {
  for (let count = Math.min(before.length, lines.length); count > 0; count--)
    if (lines.slice(0, count).every((line, i) => line === before[before.length - count + i])) return count
  return 0
}
