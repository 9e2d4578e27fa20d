import { type Command, command, reject } from '#events/kit/command.ts'
import type { Request } from '#platform/http/request.ts'
import { type Cause, type Context, type Executed, Rejected } from '#platform/log/commands/executor.ts'
import type { Place } from '#platform/log/port.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { ViewName } from '#projections/index.ts'
import type { App } from './deps.ts'
import { positionText } from './position.ts'

export interface Executing {
  visibleIn: readonly ViewName[]
  /** Makes the command that gave a kept result, when a repeated Idempotency-Key needs that result computed again (see `Command.remake`). */
  remake?: Command['remake']
  /** The cause of the command, unless it is the request itself. */
  cause?: Cause | undefined
}

/** Tools of the routes' handlers. */
export interface Tools {
  app: App
  db: Db
  /** Executes a command as the caller and waits (bounded) until these views show its events (P5). Throws Rejected. */
  execute<R>(command: Command<R>, options: Executing): Promise<R>
  /**
   * Like `execute`, for a command made from something that is read first. No other process makes and executes a command under this
   * name meanwhile. For a request that was carried out before, `make` is not called.
   */
  executeAlone<R>(name: string, make: () => Promise<Command<R>>, options: Executing): Promise<R>
  /** Like `execute`; also tells whether the result is an earlier request's with the same Idempotency-Key. */
  executed<R>(command: Command<R>, options: Executing): Promise<{ result: R; replayed: boolean }>
  /**
   * The result of an earlier request with the same Idempotency-Key; undefined if there was none. For handlers that read
   * something before they execute: it may have changed, but the answer must be the same. Throws Rejected when the key was
   * used for a different request.
   */
  earlier<R>(options: Pick<Executing, 'visibleIn' | 'remake'>): Promise<R | undefined>
  /** Decides a command that changes nothing, on the newest state. Throws Rejected. */
  ask<R>(command: Command<R>): Promise<R>
}

/** Always rejects; used to look up a stored result by Idempotency-Key. */
const neverBefore = command({ name: 'neverBefore', reads: {}, decide: () => reject('NOT_FOUND', 'Never asked before') })

/** Stands in for a command that cannot be made yet. */
const standIn = ({ remake }: Pick<Executing, 'remake'>): Command => ({ ...neverBefore, remake })

const unlessUnknown = (error: unknown): undefined => {
  if (!(error instanceof Rejected && error.code === 'NOT_FOUND')) throw error
}

/** Makes the tools for a request. `keyOf` reads its Idempotency-Key. */
export function toolsOf(app: App, keyOf: (request: Request) => Context['idempotency']) {
  const contextOf = (request: Request): Context => {
    const { actor, id: correlationId, causationId, traceparent } = request
    return { actor, correlationId, causationId, traceparent }
  }

  return (request: Request): Tools => {
    /** Places of all events that the answer rests on. */
    const stood: Place[] = []
    let isDone = false
    /** The context of the request's only command. With a key, a second command would get the first one's result. */
    const once = ({ cause }: Pick<Executing, 'cause'>): Context => {
      const context = { ...contextOf(request), ...cause, idempotency: keyOf(request) }
      if (isDone && context.idempotency) throw new Error('a request that may have an Idempotency-Key executes one command')
      return context
    }
    const shown = async <R>({ result, positions, seen, replayed }: Executed<R>, visibleIn: readonly ViewName[]) => {
      isDone = true
      if (replayed) request.answerWith('Idempotency-Replayed', 'true')
      // A write stays written even if a view cannot show it in time.
      // The answer also rests on events read: a note shows with its video, which another request may have just added.
      const places = [...positions, ...seen]
      if (places.length === 0) return { result, replayed }
      stood.push(...places)
      request.answerWith('VidWiz-Position', positionText(stood))
      const isVisible = await app.waiter.visible(visibleIn, places).catch(() => false)
      if (!isVisible) request.answerWith('VidWiz-Visible', 'false')
      return { result, replayed }
    }
    const executed: Tools['executed'] = async (command, options) =>
      shown(await app.execute(command, once(options)), options.visibleIn)
    const executeAlone: Tools['executeAlone'] = async (name, make, options) => {
      const context = once(options)
      const done = await app.exclusively(name, async () => {
        const before = context.idempotency && (await app.execute(standIn(options), context).catch(unlessUnknown))
        return (before as Executed<never> | undefined) ?? app.execute(await make(), context)
      })
      return (await shown(done, options.visibleIn)).result
    }
    const earlier = async <R>(options: Pick<Executing, 'visibleIn' | 'remake'>): Promise<R | undefined> => {
      if (keyOf(request) === undefined) return undefined
      return (await executed(standIn(options) as Command<R>, options).catch(unlessUnknown))?.result
    }
    return {
      app,
      db: app.db,
      executed,
      executeAlone,
      earlier,
      execute: async (command, options) => (await executed(command, options)).result,
      ask: async (command) => (await app.execute(command, contextOf(request))).result,
    }
  }
}
