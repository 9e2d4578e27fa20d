/** Wakes one loop that waits for news. A ring while it does not wait is kept. */
export interface Bell {
  ring(): void
  /** Forgets earlier rings. Call it before looking for news: then only later rings end the next wait. */
  hush(): void
  /** Resolves once it has rung since the last `hush`, or after `ms`. */
  wait(ms?: number): Promise<void>
}

export function openBell(): Bell {
  let hasRung = false
  let wake = () => {}
  return {
    ring() {
      hasRung = true
      wake()
    },
    hush() {
      hasRung = false
    },
    async wait(ms) {
      if (hasRung) return
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
