import { startStack } from '../test/kit/stack.ts'
import { atMost, type Benchmark, type Figure } from './kit/figure.ts'
import { callers, percentile } from './kit/measure.ts'
import { openWriters } from './kit/writers.ts'

/** Time from a command until all views affected by a note show it, with the projector in a separate process. */
export const visible: Benchmark = {
  name: 'visible',
  async run({ quick }) {
    const ms = quick ? 1_000 : 5_000
    const stack = await startStack()
    const { write, writeAndWait, close } = await openWriters(stack)
    try {
      await callers(16, ms / 2, writeAndWait)
      const figures: Figure[] = []
      for (const count of [1, 16]) {
        const alone = (await callers(count, ms, write)).tookMs
        // Do not measure the backlog of the previous run.
        await writeAndWait(0)
        const { tookMs } = await callers(count, ms, writeAndWait)
        const who = count === 1 ? '1 writer' : `${count} writers`
        figures.push(
          {
            name: `p50, ${who}`,
            value: percentile(tookMs, 0.5),
            unit: 'ms',
            beside: { what: 'to the commit only', value: percentile(alone, 0.5) },
          },
          { name: `p99, ${who}`, value: percentile(tookMs, 0.99), unit: 'ms', target: atMost(25) },
          { name: `p99, ${who}, to the commit only`, value: percentile(alone, 0.99), unit: 'ms' },
        )
      }
      return figures
    } finally {
      await close()
      await stack.stop()
    }
  },
}
