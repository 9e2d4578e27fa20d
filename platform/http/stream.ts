import type { ServerResponse } from 'node:http'
import { z } from 'zod'

/** The client's end of an answer that is written bit by bit. */
export interface Out {
  /**
   * Writes a frame, whole and in one write. Resolves as soon as the client can take more, or has left; never throws.
   * Who awaits it keeps no more in memory than one frame and what the connection holds.
   */
  send(frame: string): Promise<void>
  /** The client has left, or the server is stopping: there is no use in waiting for more to tell. */
  readonly gone: AbortSignal
  /** The client has left, or was cut. While a server stops, what is nearly done can still be told for a while. */
  readonly left: AbortSignal
}

/**
 * An answer of server-sent events: 200 at once, then what `run` sends, until it resolves. When it rejects, the error is
 * logged and the stream ends there.
 */
export class EventStream {
  readonly run: (out: Out) => Promise<void>
  constructor(run: (out: Out) => Promise<void>) {
    this.run = run
  }
}

const TYPE = 'text/event-stream'

/** How a route declares such an answer. */
export const eventStream = z.string().meta({ contentType: TYPE })
/** The same, with what its client may hear. */
export const eventStreamLike = (example: string) => z.string().meta({ contentType: TYPE, examples: [example] })
export const isEventStream = (schema: z.ZodType | undefined) => schema?.meta()?.contentType === TYPE

/** The last header keeps nginx from holding frames back. */
export const STREAM_HEADERS: readonly string[] = [
  ...['Content-Type', 'text/event-stream; charset=utf-8'],
  ...['Cache-Control', 'no-cache'],
  ...['X-Accel-Buffering', 'no'],
]

export interface StreamOptions {
  /** How long a stream may be silent before its client gets a ping; 15 s if not given. */
  pingMs?: number
  /** A client that takes nothing for so long, pings included, has left without saying so; 45 s if not given. */
  stalledMs?: number
}

/** Clients skip comments; proxies see that the connection lives, and we that the client does. */
const PING = ': ping\n\n'
const PING_MS = 15_000
const STALLED_MS = 45_000

const WRITTEN = Promise.resolve()

class Writer implements Out {
  private readonly res: ServerResponse
  private readonly leaving = new AbortController()
  private readonly going = new AbortController()
  private readonly pinging: NodeJS.Timeout
  private room: PromiseWithResolvers<void> | undefined

  constructor(res: ServerResponse, { pingMs, stalledMs }: Required<StreamOptions>) {
    this.res = res
    this.pinging = setInterval(() => this.room ?? void this.send(PING), pingMs).unref()
    res.on('drain', () => this.hasRoom())
    res.on('close', () => this.leave())
    // Of a connection that broke `close` tells; without a listener the error would end the process.
    res.on('error', () => {})
    res.socket?.setTimeout(stalledMs)
    if (res.destroyed) this.leave()
  }

  get left(): AbortSignal {
    return this.leaving.signal
  }

  get gone(): AbortSignal {
    return this.going.signal
  }

  send(frame: string): Promise<void> {
    if (this.left.aborted || this.res.writableEnded) return WRITTEN
    this.pinging.refresh()
    if (!this.res.write(frame)) this.room ??= Promise.withResolvers()
    return this.room?.promise ?? WRITTEN
  }

  /** Waits no more: the end is near. */
  stop() {
    this.going.abort()
  }

  end() {
    clearInterval(this.pinging)
    this.res.end()
  }

  private leave() {
    clearInterval(this.pinging)
    this.leaving.abort()
    this.going.abort()
    this.hasRoom()
  }

  private hasRoom() {
    this.room?.resolve()
    this.room = undefined
  }
}

/** All streams of a server that are open. */
export interface Streams {
  /** Writes to an answer whose head is written, until `run` is done. Never throws; `onError` gets what `run` rejects with. */
  write(res: ServerResponse, run: EventStream['run'], onError: (error: unknown) => void): Promise<void>
  /** How many are open. */
  count(): number
  /** The server is stopping: `gone` for all of them, and at once for those to come. */
  stop(): void
}

export function streams({ pingMs = PING_MS, stalledMs = STALLED_MS }: StreamOptions = {}): Streams {
  const open = new Set<Writer>()
  let isStopping = false
  return {
    async write(res, run, onError) {
      const writer = new Writer(res, { pingMs, stalledMs })
      open.add(writer)
      if (isStopping) writer.stop()
      try {
        await run(writer)
      } catch (error) {
        onError(error)
      } finally {
        writer.end()
        open.delete(writer)
      }
    },
    count: () => open.size,
    stop() {
      isStopping = true
      for (const writer of open) writer.stop()
    },
  }
}
