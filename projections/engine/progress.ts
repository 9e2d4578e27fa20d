/** How far a rebuild has come. */
export interface Progress {
  phase: 'read' | 'index' | 'redrive' | 'catch up' | 'swap' | 'done'
  /** Events applied, of so many. */
  events: number
  total: number
  /** Events per second since the start. */
  rate: number
  /** What is left to read, at this rate. */
  etaMs: number
}

export interface Meter {
  expect(total: number): void
  phase(phase: Progress['phase']): void
  read(events: number): void
  done(): { events: number; tookMs: number }
}

/** Counts events and tells about it, often enough for a progress line and no oftener. */
export function meter(tell: (progress: Progress) => void = () => {}, everyMs = 100): Meter {
  const startedAt = performance.now()
  let phase: Progress['phase'] = 'read'
  let events = 0
  let total = 0
  let toldAt = 0

  const report = () => {
    toldAt = performance.now()
    const rate = (events * 1_000) / Math.max(1, toldAt - startedAt)
    tell({ phase, events, total, rate, etaMs: rate > 0 ? ((total - events) * 1_000) / rate : 0 })
  }
  const enter = (next: Progress['phase']) => {
    phase = next
    report()
  }
  return {
    expect(expected) {
      total = expected
      report()
    },
    phase: enter,
    read(more) {
      events += more
      total = Math.max(total, events)
      if (performance.now() - toldAt >= everyMs) report()
    },
    done() {
      enter('done')
      return { events, tookMs: performance.now() - startedAt }
    },
  }
}
