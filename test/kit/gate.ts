import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A request on its way to the server. */
export interface Passing {
  method: string
  /** Path and query. */
  url: string
  headers: IncomingMessage['headers']
  body: Buffer
}

/** `cut`: end the connection at this point. */
export type Verdict = 'cut' | undefined

/**
 * A proxy before a server: records requests, and can cut the connection before the server gets a request or before the client gets
 * the answer.
 */
export interface Gate {
  url: string
  /** All requests that reached the server, in order. */
  seen: Passing[]
  before: ((passing: Passing) => Verdict | Promise<Verdict>) | undefined
  after: ((passing: Passing) => Verdict | Promise<Verdict>) | undefined
  /** Called with an answer whose client has gone. */
  unheard: ((passing: Passing, answer: Buffer) => unknown) | undefined
  /** Whether connections are refused, as if nothing listened. */
  isClosed: boolean
  close(): Promise<void>
}

export async function startGate(target: string): Promise<Gate> {
  const server = createServer((incoming, answer) => {
    pass(incoming, answer).catch(() => answer.destroy())
  })
  async function pass(incoming: IncomingMessage, answer: ServerResponse) {
    const { method, url, headers } = incoming
    if (gate.isClosed) return void answer.destroy()
    const passing: Passing = { method: method!, url: url!, headers, body: await buffer(incoming) }
    if ((await gate.before?.(passing)) === 'cut') return void answer.destroy()
    gate.seen.push(passing)
    const asking = request(new URL(url!, target), {
      method: method!,
      headers: { ...headers, 'content-length': passing.body.length },
    })
    asking.end(passing.body)
    const [said] = (await once(asking, 'response')) as [IncomingMessage]
    const body = await buffer(said)
    if (answer.destroyed) await gate.unheard?.(passing, body)
    if ((await gate.after?.(passing)) === 'cut') return void answer.destroy()
    const { 'transfer-encoding': _, ...others } = said.headers
    answer.writeHead(said.statusCode!, method === 'HEAD' ? others : { ...others, 'content-length': body.length })
    answer.end(body)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const gate: Gate = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    before: undefined,
    after: undefined,
    unheard: undefined,
    isClosed: false,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return gate
}
