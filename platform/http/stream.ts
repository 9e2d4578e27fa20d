import type { ServerResponse } from 'node:http'
import { z } from 'zod'

/** Sends a streamed answer to its client. */
export interface Out {
  /**
   * Writes a whole frame in one write. Resolves when the client can take more, or has disconnected; never throws.
   * Awaiting it bounds memory to one frame and the connection's buffer (backpressure).
   */
  send(frame: string): Promise<void>
  /** Aborted when waiting for more to send has become pointless: the client has disconnected, or the server is stopping. */
  readonly gone: AbortSignal
  /** Aborted when the client has disconnected or was cut. A stopping server alone does not abort it, so a last frame can still be sent. */
  readonly left: AbortSignal
}

/**
 * An answer of server-sent events: status 200 at once, then the frames that `run` sends until it resolves. When `run` rejects, the
 * error is logged and the stream ends.
 */
export class EventStream {
  readonly run: (out: Out) => Promise<void>
  constructor(run: (out: Out) => Promise<void>) {
    this.run = run
  }
}

const TYPE = 'text/event-stream'

/** Declares such an answer for a route. */
export const eventStream = z.string().meta({ contentType: TYPE })
/** The same, with an example of its frames. */
export const eventStreamLike = (example: string) => z.string().meta({ contentType: TYPE, examples: [example] })
export const isEventStream = (schema: z.ZodType | undefined) => schema?.meta()?.contentType === TYPE

/** The last header keeps nginx from buffering frames. */
export const STREAM_HEADERS: readonly string[] = [
  ...['Content-Type', 'text/event-stream; charset=utf-8'],
  ...['Cache-Control', 'no-cache'],
  ...['X-Accel-Buffering', 'no'],
]

export interface StreamOptions {
  /** How long a stream may be silent before the client gets a ping; 15 s if not given. */
  pingMs?: number
  /** A client that reads nothing for this long, not even pings, counts as disconnected; 45 s if not given. */
  stalledMs?: number
}

/** A comment, which clients skip. It keeps proxies from closing the connection and detects a client that has vanished. */
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
    // `close` also reports a broken connection; without a listener its error would end the process.
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

  /** Called when the server stops: aborts `gone`. */
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

/** The open streams of a server. */
export interface Streams {
  /** Runs a stream on an answer whose head has been sent. Never throws; `onError` gets the error of `run`. */
  write(res: ServerResponse, run: EventStream['run'], onError: (error: unknown) => void): Promise<void>
  /** The number of open streams. */
  count(): number
  /** Called when the server stops: aborts `gone` of all streams, and of later ones at once. */
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
