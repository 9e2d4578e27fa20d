import { type Command, command, reject } from '#events/kit/command.ts'
import type { Request } from '#platform/http/request.ts'
import { type Cause, type Context, type Executed, Rejected } from '#platform/log/executor.ts'
import type { Place } from '#platform/log/port.ts'
import type { Db } from '#platform/pg/pool.ts'
import { causationOf } from './causes.ts'
import type { App } from './deps.ts'
import { positionText } from './position.ts'

export interface Executing {
  visibleIn: string[]
  /** What led to it, where that is not the request itself. */
  cause?: Cause | undefined
}

/** What handlers of routes work with. */
export interface Tools {
  app: App
  db: Db
  /** Executes a command for whoever asks and waits (bounded) until the views named show what it did (P5). Throws Rejected. */
  execute<R>(command: Command<R>, options: Executing): Promise<R>
  /**
   * The same for a command that is made of what is looked at first: nobody else, in whatever process, looks and executes under this
   * name meanwhile. What is made is not made for a request that was carried out before.
   */
  executeAlone<R>(name: string, make: () => Promise<Command<R>>, options: Executing): Promise<R>
  /** The same, and tells whether the result is that of an earlier request with the same Idempotency-Key. */
  executed<R>(command: Command<R>, options: Executing): Promise<{ result: R; replayed: boolean }>
  /**
   * The result of an earlier request with the same Idempotency-Key, undefined if there was none. For handlers that look at
   * something before they execute: by now it may look otherwise, and the answer must be the same. Throws Rejected when that
   * was another request.
   */
  earlier<R>(options: { visibleIn: string[] }): Promise<R | undefined>
  /** Decides a command that changes nothing, on the newest state. Throws Rejected. */
  ask<R>(command: Command<R>): Promise<R>
}

/** Nothing gets past this but a known Idempotency-Key: that gives the result it gave before. */
const neverBefore = command({ name: 'neverBefore', reads: {}, decide: () => reject('NOT_FOUND', 'Never asked before') })

const unlessUnknown = (error: unknown): undefined => {
  if (!(error instanceof Rejected && error.code === 'NOT_FOUND')) throw error
}

/** Makes the tools for a request. `keyOf` reads its Idempotency-Key. */
export function toolsOf(app: App, keyOf: (request: Request) => Context['idempotency']) {
  const contextOf = (request: Request): Context => {
    const { actor, id: correlationId, traceparent } = request
    return { actor, correlationId, causationId: causationOf(request), traceparent }
  }

  return (request: Request): Tools => {
    /** Where all that lies that the answer stands on. */
    const stood: Place[] = []
    let isDone = false
    /** As the request is, and what led to it. A second command would be given the result of the first. */
    const once = ({ cause }: Pick<Executing, 'cause'>): Context => {
      const context = { ...contextOf(request), ...cause, idempotency: keyOf(request) }
      if (isDone && context.idempotency) throw new Error('a request that may have an Idempotency-Key executes one command')
      return context
    }
    const shown = async <R>({ result, positions, seen, replayed }: Executed<R>, visibleIn: string[]) => {
      isDone = true
      if (replayed) request.answerWith('Idempotency-Replayed', 'true')
      // What was written stays written, whether or not a view can say so.
      // Nor does its answer stand alone: a note shows with its video, which another may have added a moment ago.
      const places = [...positions, ...seen]
      if (places.length === 0) return { result, replayed }
      stood.push(...places)
      request.answerWith('VidWiz-Position', positionText(stood))
      const isVisible = await app.visible(visibleIn, places).catch(() => false)
      if (!isVisible) request.answerWith('VidWiz-Visible', 'false')
      return { result, replayed }
    }
    const executed: Tools['executed'] = async (command, options) =>
      shown(await app.execute(command, once(options)), options.visibleIn)
    const executeAlone: Tools['executeAlone'] = async (name, make, options) => {
      const context = once(options)
      const done = await app.exclusively(name, async () => {
        const before = context.idempotency && (await app.execute(neverBefore, context).catch(unlessUnknown))
        return (before as Executed<never> | undefined) ?? app.execute(await make(), context)
      })
      return (await shown(done, options.visibleIn)).result
    }
    const earlier = async <R>(options: { visibleIn: string[] }): Promise<R | undefined> => {
      if (keyOf(request) === undefined) return undefined
      return (await executed(neverBefore as Command<R>, options).catch(unlessUnknown))?.result
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
