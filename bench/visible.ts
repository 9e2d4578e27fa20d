import { catalog, deciders } from '../events/catalog.ts'
import { createNote } from '../events/note.ts'
import { topics } from '../events/topics.ts'
import { executor } from '../platform/log/executor.ts'
import { appender } from '../platform/log/postgres/appender.ts'
import { openListener } from '../platform/pg/listen.ts'
import { openDb } from '../platform/pg/pool.ts'
import { openWaiter } from '../projections/engine/wait.ts'
import { views } from '../projections/index.ts'
import { startStack } from '../test/kit/stack.ts'
import { atMost, type Benchmark, type Figure } from './kit/figure.ts'
import { callers, percentile } from './kit/measure.ts'

/** From the command to the moment when all views that a note touches show it, with the projector as a process of its own. */
export const visible: Benchmark = {
  name: 'visible',
  async run({ quick }) {
    const ms = quick ? 1_000 : 5_000
    const stack = await startStack()
    const db = openDb(stack.databaseUrl, { name: 'bench visible' })
    const listener = openListener(stack.databaseUrl)
    const waiter = openWaiter(db, listener, views)
    const { execute } = executor({ appender: appender(db), catalog, deciders, topics })

    const write = (n: number) =>
      execute(
        createNote({
          userId: 1 + (n % 50),
          videoId: `video${String(n % 500).padStart(6, '0')}`,
          timestamp: '12:34',
          text: `Note ${n}`,
        }),
        { actor: null, correlationId: null },
      )
    const writeAndWait = async (n: number) => {
      const { positions } = await write(n)
      if (!(await waiter.visible(['notes', 'user-videos', 'videos'], positions))) throw new Error('not visible in time')
    }

    try {
      await listener.ready()
      await callers(16, ms / 2, writeAndWait)
      const figures: Figure[] = []
      for (const count of [1, 16]) {
        const alone = (await callers(count, ms, write)).tookMs
        // What those left behind is not ours to wait for.
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
      waiter.close()
      await listener.close()
      await db.close()
      await stack.stop()
    }
  },
}
