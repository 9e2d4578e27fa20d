import { html } from '../../html.ts'

export interface Applied {
  consumer: string
  isPast: boolean
  seenAt: number | null
  by: { service: string; host: string; pid: number } | null
}

export interface Parked {
  consumer: string
  state: string
  cause: string | null
}

/** An event, and the events it caused. */
export interface Hop {
  id: string
  pos: number
  topic: string
  partition: number
  offset: number | null
  stream: string
  version: number
  type: string
  time: number
  actor: string | null
  correlationId: string | null
  causationId: string | null
  data: unknown
  afterMs: number | null
  isTorn: boolean
  applied: Applied[]
  parked: Parked[]
  caused: Hop[]
}

export interface Request {
  correlationId: string | null
  actor: string | null
  events: Hop[]
}

const allOf = (hops: readonly Hop[]): Hop[] => hops.flatMap((hop) => [hop, ...allOf(hop.caused)])

/** Number of events, and the time from the first to the last. */
export function timesOf(requests: readonly Request[]) {
  const times = requests.flatMap(({ events }) => allOf(events)).map(({ time }) => time)
  return {
    count: times.length,
    first: Math.min(...times),
    tookMs: times.length > 0 ? Math.max(...times) - Math.min(...times) : 0,
  }
}

const [WIDTH, ROW] = [1_000, 14]
/** With more events the chart is unreadable. */
const MOST = 60

/** Events by time, from left to right, each joined to its cause. */
export function TimeLine({ requests }: { requests: readonly Request[] }) {
  const { first, tookMs, count } = timesOf(requests)
  if (count < 2 || tookMs === 0 || count > MOST) return null
  const hops = requests.flatMap(({ events }) => allOf(events))
  const x = (time: number) => 4 + ((time - first) / tookMs) * (WIDTH - 8)
  const y = new Map(hops.map(({ id }, i) => [id, ROW * (i + 0.5)]))
  return html`<figure class="chart" role="img" aria-label=${`When ${count} events came, over ${tookMs} ms`}>
    <svg viewBox="0 0 ${WIDTH} ${ROW * count}" aria-hidden="true" class="times">
      ${hops.flatMap((hop) =>
        hop.caused.map(
          (next) => html`<path class="line" d="M${x(hop.time)} ${y.get(hop.id)}V${y.get(next.id)}H${x(next.time)}" />`,
        ),
      )}
      ${hops.map(({ id, time, type }) => html`<circle cx=${x(time)} cy=${y.get(id)} r="4"><title>${type}</title></circle>`)}
    </svg>
  </figure>`
}
