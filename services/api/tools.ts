import type { Command } from '#events/kit/command.ts'
import type { Request } from '#platform/http/request.ts'
import type { Context } from '#platform/log/executor.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { App } from './deps.ts'

/** What handlers of routes work with. */
export interface Tools {
  app: App
  db: Db
  /** Executes a command for whoever asks and waits (bounded) until the views named show what it did (P5). Throws Rejected. */
  execute<R>(command: Command<R>, options: { visibleIn: string[] }): Promise<R>
  /** Decides a command that changes nothing, on the newest state. Throws Rejected. */
  ask<R>(command: Command<R>): Promise<R>
}

/** Makes the tools for a request. `keyOf` reads its Idempotency-Key. */
export function toolsOf(app: App, keyOf: (request: Request) => Context['idempotency']) {
  const contextOf = ({ actor, id, traceparent }: Request): Context => ({ actor, correlationId: id, traceparent })

  return (request: Request): Tools => ({
    app,
    db: app.db,
    async execute(command, { visibleIn }) {
      const context = { ...contextOf(request), idempotency: keyOf(request) }
      const { result, positions, seen, replayed } = await app.execute(command, context)
      if (replayed) request.answerHeaders.push('Idempotency-Replayed', 'true')
      // What was written stays written, whether or not a view can say so.
      // Nor does its answer stand alone: a note shows with its video, which another may have added a moment ago.
      const places = [...positions, ...seen]
      const isVisible = places.length === 0 || (await app.visible(visibleIn, places).catch(() => false))
      if (!isVisible) request.answerHeaders.push('VidWiz-Visible', 'false')
      return result
    },
    ask: async (command) => (await app.execute(command, contextOf(request))).result,
  })
}
