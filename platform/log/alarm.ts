/** Wakes who has read to the end of a log. What rings while it still reads is not lost. */
export interface Alarm {
  ring(): void
  /** To be set before each read: from here on a ring counts. */
  set(): void
  /** Resolves when it has rung since it was set, or when the safety net says to look anyway. */
  rung(): Promise<void>
}

/** @param safetyNetMs how long a ring may stay away before it is no longer trusted */
export function alarm(safetyNetMs: number): Alarm {
  let hasRung = false
  let wake = () => {}
  return {
    ring() {
      hasRung = true
      wake()
    },
    set() {
      hasRung = false
    },
    async rung() {
      if (hasRung) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, safetyNetMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
