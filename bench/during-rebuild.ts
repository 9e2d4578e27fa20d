import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { topics } from '../events/topics.ts'
import { lagOf, otherConsumers } from '../platform/log/consumers/lag.ts'
import { postgresReader } from '../platform/log/postgres/reader.ts'
import { openListener } from '../platform/pg/listen.ts'
import { openDb } from '../platform/pg/pool.ts'
import { views } from '../projections/index.ts'
import { newUser } from '../test/kit/client.ts'
import { eventually } from '../test/kit/eventually.ts'
import { freshDatabase } from '../test/kit/postgres.ts'
import { startStack } from '../test/kit/stack.ts'
import { heard, start } from './kit/child.ts'
import { atMost, type Benchmark } from './kit/figure.ts'
import { load } from './kit/load.ts'
import { inTurn, median } from './kit/measure.ts'
import type { RepeatedReport } from './kit/rebuild-process.ts'
import { seedNotes } from './kit/seed.ts'

/** Clients' p99 at a steady rate while the notes view is rebuilt repeatedly, compared with no rebuild. */
export const duringRebuild: Benchmark = {
  name: 'during-rebuild',
  async run({ quick }) {
    const [rounds, duration, events] = quick ? [1, 3, 50_000] : [7, 8, 500_000]
    const database = await freshDatabase()
    const db = openDb(database.url, { name: 'bench during-rebuild' })
    // Before the services run, because some of them would append events in response to these.
    await seedNotes(db, events)
    const stack = await startStack({}, { database })
    const listener = openListener(database.url)
    try {
      const reader = postgresReader(db, listener)
      await eventually(
        async () => {
          for (const one of [...views, ...(await otherConsumers(db, views, topics))])
            if ((await lagOf(one, { db, reader })).some((lag) => lag.events > 0)) throw new Error(`${one.name} is behind`)
        },
        { withinMs: 300_000, everyMs: 250 },
      )
      const writer = await newUser(stack.url)
      const headers = { authorization: `Bearer ${writer.token}`, 'content-type': 'application/json' }
      const path = '/v2/videos/liveVideo00/notes'
      const body = JSON.stringify({ timestamp: '12:34', text: 'Note: what was said here is worth remembering.' })
      for (let n = 0; n < 20; n++) await writer.surely('POST', path, JSON.parse(body))

      const read = { method: 'GET', path, headers }
      const write = { method: 'POST', path: path.replace('live', 'edit'), headers, body }
      const p99 = (request: typeof read) => async () =>
        (await load({ url: stack.url, connections: 8, overallRate: 200, duration, requests: [request] })).msP99
      const rebuilds: RepeatedReport[] = []
      const whileRebuilding =
        (measure: () => Promise<number>, into = rebuilds) =>
        async () => {
          const rebuilding = start('rebuild-process.ts', [stack.databaseUrl, 'again'], { detached: true })
          await heard<'began'>(rebuilding)
          const measured = await measure()
          rebuilding.send('stop')
          const report = await heard<RepeatedReport>(rebuilding)
          await once(rebuilding, 'exit')
          if (report.perSecond === 0) throw new Error('no rebuild came to an end meanwhile')
          into.push(report)
          return measured
        }
      const alone: RepeatedReport[] = []
      const runs = await inTurn(rounds, {
        alone: whileRebuilding(() => sleep(duration * 1_000, 0), alone),
        read: p99(read),
        readDuring: whileRebuilding(p99(read)),
        write: p99(write),
        writeDuring: whileRebuilding(p99(write)),
      })
      const figure = (name: string, during: number[], idle: number[]) => ({
        name: `p99 of ${name} during a rebuild`,
        value: median(during),
        unit: 'ms',
        beside: { what: 'idle', value: median(idle) },
        target: atMost(1.5),
      })
      const medianOf = (reports: RepeatedReport[], key: keyof RepeatedReport) => median(reports.map((report) => report[key]))
      return [
        figure('GET notes', runs.readDuring, runs.read),
        figure('POST note', runs.writeDuring, runs.write),
        {
          name: 'pace of the rebuild',
          value: medianOf(rebuilds, 'pace'),
          unit: '',
          beside: { what: 'alone', value: medianOf(alone, 'pace') },
        },
        {
          name: 'rebuilds meanwhile',
          value: medianOf(rebuilds, 'perSecond'),
          unit: 'per second',
          beside: { what: 'alone', value: medianOf(alone, 'perSecond') },
        },
      ]
    } finally {
      await listener.close()
      await db.close()
      await stack.stop()
    }
  },
}
