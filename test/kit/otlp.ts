import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { eventually } from './eventually.ts'

/** A received span, with its attributes as an object. */
export interface ToldSpan {
  service: string
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  /** Ids of linked spans. */
  links: string[]
  attributes: Record<string, unknown>
  failed: boolean
}

export interface Receiver {
  url: string
  spans: ToldSpan[]
  /** Raw bodies of all requests. */
  bodies: string[]
  headers: NodeJS.Dict<string | string[]>[]
  /** Waits for a span. */
  told(what: (span: ToldSpan) => boolean, name?: string): Promise<ToldSpan>
  close(): Promise<void>
}

/** Kind of answer: correct, status 500, or none. */
export type Manner = 'well' | 'failing' | 'hanging'

/** A receiver for OTLP/HTTP in JSON. */
export async function otlpReceiver(manner: Manner = 'well'): Promise<Receiver> {
  const [spans, bodies, headers]: [ToldSpan[], string[], Receiver['headers']] = [[], [], []]
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    bodies.push(body)
    headers.push(req.headers)
    if (manner === 'hanging') return
    if (manner === 'well') spans.push(...spansIn(JSON.parse(body)))
    res.writeHead(manner === 'well' ? 200 : 500, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    headers,
    told: (what, name = String(what)) =>
      eventually(() => spans.find(what) ?? expect.fail(`no span for ${name}; there are ${spans.map((s) => s.name).join(', ')}`)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Attribute {
  key: string
  value: { stringValue?: string; intValue?: number | string; boolValue?: boolean; doubleValue?: number }
}
interface Sent {
  resourceSpans: {
    resource: { attributes: Attribute[] }
    scopeSpans: {
      spans: (Omit<ToldSpan, 'attributes' | 'links'> & {
        attributes: Attribute[]
        links: { spanId: string }[]
        status: { code?: number }
      })[]
    }[]
  }[]
}

const spansIn = ({ resourceSpans }: Sent): ToldSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId, links = [], attributes, status }) => ({
        service: String(objectOf(resource.attributes)['service.name']),
        name,
        traceId,
        spanId,
        ...(parentSpanId && { parentSpanId }),
        links: links.map((link) => link.spanId),
        attributes: objectOf(attributes),
        failed: status.code === 2,
      })),
    ),
  )

const objectOf = (attributes: Attribute[]) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue]),
  )

/** Whether parents and links, in either direction of time, connect two spans, so that a trace viewer shows both together. */
export function leadsTo(spans: readonly ToldSpan[], from: ToldSpan, to: ToldSpan): boolean {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const seen = new Set<string>()
  const walk = (id: string): boolean => {
    if (id === from.spanId) return true
    if (seen.has(id)) return false
    seen.add(id)
    const span = byId.get(id)
    return span !== undefined && [span.parentSpanId, ...span.links].some((origin) => origin !== undefined && walk(origin))
  }
  return walk(to.spanId)
}
