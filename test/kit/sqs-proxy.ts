import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** Decides what happens to a request that sends messages with these bodies. */
export type Fate = (bodies: string[], url: string) => Fault | undefined

export type Fault =
  /** Cuts the connection before the server gets the request, or after it has processed it. */
  | 'reset'
  | 'lose the answer'
  /** Answers in place of the server. */
  | { status: number; type: string; message: string }
  /** Refuses some messages; the others are forwarded. */
  | { refuse: (body: string) => boolean; code: string; isSendersFault: boolean }
  /** Forwards it later. */
  | { delayMs: number }

/** A proxy between an SDK and an SQS server that injects faults. */
export interface SqsProxy {
  url: string
  /** Applies to all later requests; undefined: no faults. */
  fate: Fate | undefined
  /** Bodies of each request that sends messages, in order. */
  requests: string[][]
  close(): Promise<void>
}

export async function startSqsProxy(target: string): Promise<SqsProxy> {
  const server = createServer((incoming, answer) => {
    handle(incoming, answer).catch(() => answer.destroy())
  })
  const ending = new AbortController()

  async function handle(incoming: IncomingMessage, answer: ServerResponse) {
    const body = await text(incoming)
    const isSending = String(incoming.headers['x-amz-target']).endsWith('.SendMessageBatch')
    if (!isSending) return forward(incoming, answer, body)
    const { QueueUrl, Entries } = JSON.parse(body) as { QueueUrl: string; Entries: { Id: string; MessageBody: string }[] }
    const bodies = Entries.map((entry) => entry.MessageBody)
    proxy.requests.push(bodies)
    const fault = proxy.fate?.(bodies, QueueUrl)
    if (fault === undefined) return forward(incoming, answer, body)
    if (fault === 'reset') return void answer.destroy()
    if (fault === 'lose the answer') {
      await ask(incoming, body)
      return void answer.destroy()
    }
    if ('status' in fault) {
      answer.writeHead(fault.status, { 'content-type': 'application/x-amz-json-1.0' })
      return void answer.end(JSON.stringify({ __type: fault.type, message: fault.message }))
    }
    if ('delayMs' in fault) {
      await sleep(fault.delayMs, undefined, { signal: ending.signal })
      return forward(incoming, answer, body)
    }
    const [refused, passed] = [Entries.filter(isRefused(fault)), Entries.filter((entry) => !isRefused(fault)(entry))]
    const { Successful = [] } =
      passed.length > 0 ? JSON.parse((await ask(incoming, JSON.stringify({ QueueUrl, Entries: passed }))).body) : {}
    const Failed = refused.map(({ Id }) => ({ Id, Code: fault.code, Message: 'refused', SenderFault: fault.isSendersFault }))
    answer.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' })
    answer.end(JSON.stringify({ Successful, Failed }))
  }

  /** Forwards a request; the server does not check the signature. */
  async function ask({ method, url, headers }: IncomingMessage, body: string) {
    const asking = request(new URL(url!, target), {
      method: method!,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    })
    asking.end(body)
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    return { status: answer.statusCode!, headers: answer.headers, body: await text(answer) }
  }

  async function forward(incoming: IncomingMessage, answer: ServerResponse, body: string) {
    const { status, headers, body: said } = await ask(incoming, body)
    answer.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(said) })
    answer.end(said)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: SqsProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fate: undefined,
    requests: [],
    async close() {
      ending.abort()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

const isRefused =
  ({ refuse }: { refuse: (body: string) => boolean }) =>
  (entry: { MessageBody: string }) =>
    refuse(entry.MessageBody)
