/** Wakes a reader that has reached the end of the log. A ring during a read is not lost. */
export interface Alarm {
  ring(): void
  /** Call before each read: only rings after it count. */
  set(): void
  /** Resolves when it has rung since `set`, or after `safetyNetMs`, in case a ring was lost. */
  rung(): Promise<void>
}

/** @param safetyNetMs longest wait for a ring */
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
