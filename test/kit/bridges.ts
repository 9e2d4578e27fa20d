import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import type { Reactor } from '#platform/log/reactor/reactor.ts'
import { startReactor } from '#platform/log/reactor/start.ts'
import { type Stopping, stopping } from '#platform/stopping.ts'
import type { Workshop } from '#test/projections/workshop.ts'

/** Runs bridges as their services do, and collects their errors and parked events. */
export function bridges() {
  const running: { stop(): Promise<unknown> }[] = []
  const errors: Error[] = []
  const parked: { stream: string; cause: string | null }[] = []

  function run({ db, reader, listener }: Workshop, make: (execute: Execute, end: Stopping) => Reactor) {
    const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
    const end = stopping()
    const reacting = startReactor(make(execute, end), {
      db,
      reader,
      listener,
      catalog,
      deciders,
      topics,
      onError: (error) => errors.push(error as Error),
      onParked: ({ recorded: { stream }, cause }) => parked.push({ stream, cause }),
    })
    const one = {
      async stop() {
        running.splice(running.indexOf(one), 1)
        end.stop()
        await reacting.stop()
        await idle()
      },
    }
    running.push(one)
    return one
  }

  return {
    run,
    errors,
    parked,
    /** Stops all bridges, and clears the collected errors. */
    async stop() {
      for (const one of running.splice(0)) await one.stop()
      errors.length = 0
      parked.length = 0
    },
  }
}

/** Number of events of a topic that a consumer has not processed yet. */
export async function eventsBehind({ db }: Workshop, consumer: string, topic: string): Promise<number> {
  const [row] = await db.query<{ left: number }>(
    't.left',
    `select count(*) as left from log.events e left join log.checkpoints c
         on c.consumer = $1 and c.topic = e.topic and c.partition = e.partition
      where e.topic = $2 and e.pos > coalesce(c.pos, 0)`,
    [consumer, topic],
  )
  return row!.left
}
