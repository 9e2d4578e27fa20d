/** Progress of a long command. */
interface Progress {
  phase: string
  events: number
  total?: number
  /** Events per second. */
  rate: number
  etaMs?: number
  /** Share of the time that it works. */
  pace?: number
}

const count = (n: number) => Math.round(n).toLocaleString('en')

/** A line such as `notes: read 412,000 of 1,000,000 events, 210,000/s, paced to 40 %, 3 s left`. */
export const progressLine = (what: string, { phase, events, total, rate, etaMs, pace = 1 }: Progress): string => {
  const paced = pace < 1 ? `, paced to ${Math.floor(pace * 100)} %` : ''
  const left = etaMs === undefined ? '' : `, ${Math.ceil(etaMs / 1000)} s left`
  return `${what}: ${phase} ${count(events)} of ${count(Math.max(total ?? events, events))} events, ${count(rate)}/s${paced}${left}`
}

/** Shows progress in place on a terminal, and as separate lines elsewhere. */
export function progressPrinter(what: string): { show(progress: Progress): void; end(): void } {
  const terminal = process.stderr.isTTY
  let shown = false
  return {
    show(progress) {
      const line = progressLine(what, progress)
      process.stderr.write(terminal ? `\r\x1b[K${line}` : `${line}\n`)
      shown = true
    },
    end() {
      if (terminal && shown) process.stderr.write('\n')
    },
  }
}
