import { encode } from '#events/kit/codec.ts'
import type { Claim, Count, Rejection } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import type { Decider } from '#events/kit/stream.ts'
import { MAX_EVENT_BYTES } from '#platform/kafka/message-bytes.ts'
import { type Executed, type Pending, Rejected, rejected } from './execution.ts'
import { KEEP_AFTER, textOf, weight } from './folding.ts'
import type { Known, Recalled } from './memory.ts'
import type { Appended, Group, Loaded, Place, StreamChange, Verdict } from './port.ts'

/** What became of a command: an answer, an error, or neither when it must be decided again. */
export interface Outcome {
  pending: Pending
  executed?: Executed<unknown>
  error?: unknown
  /** To be decided again because what it saw was only remembered, not because it lost. */
  doubted?: boolean
  /** To be decided again because another of this round wants the same; it has not lost either. */
  waited?: boolean
}

interface Kit {
  deciderOf(stream: string): Decider
  partitionOf(topic: string, key: string): number
  newId(): string
}

/** A stream as this round sees it, with what commands of this round have already done to it. */
interface Seen extends Known {
  base: number
  /** Whether a command decided on it. Who only wrote it began it, and may never ask for it again. */
  isRead?: true
  /** Its last event, if that is of this round. */
  fresh?: Appended
  /** The group whose events changed it in this round. */
  writer?: Member
}

interface Decided {
  pending: Pending
  result: unknown
  /** The last events of what it read: those of this round have no place yet. */
  seen: (Place | Appended)[]
  /** Indexes into the group's events. */
  from: number
  to: number
  claims: Claim[]
  counts: Count[]
  rejection?: Rejected
}

/** A group that may still be merged into another one. */
interface Member {
  into?: Member
  group: Group
  /** The streams it touches, and whether it changes them. */
  changes: Map<string, boolean>
  decided: Decided[]
}

/**
 * One round of many commands: each is decided on the state that those before it left. Commands of which one saw what
 * another wrote form a group and share its fate, so a loser never leaves a decision standing that was built on it.
 */
export class Round {
  readonly #recalled: Recalled
  readonly #now: number
  readonly #kit: Kit
  readonly #seen = new Map<string, Seen>()
  readonly #members: Member[] = []
  readonly #outcomes: Outcome[] = []
  /** Claims, credentials, keys and counts spoken for in this round: the next to want one waits for the next round. */
  readonly #spoken = new Set<string>()
  readonly #drawing: ProxyHandler<Record<string, number>>

  constructor(recalled: Recalled, now: number, kit: Kit) {
    this.#recalled = recalled
    this.#now = now
    this.#kit = kit
    // Getters would do as well, but a getter of its own gives each object a hidden class of its own, which lives long and
    // keeps this round alive with it.
    this.#drawing = {
      get(drawn, sequence: string) {
        drawn[sequence] ??= recalled.draw(sequence)
        return drawn[sequence]
      },
    }
  }

  /** Decides one command on the state of the moment. */
  decide(pending: Pending): void {
    const { command, context } = pending
    const key = context.idempotency
    const known = key && this.#recalled.keys.find((k) => k.scope === key.scope && k.key === key.key)
    if (known) return void this.#outcomes.push({ pending, ...repeated(known, key.fingerprint) })

    const read: string[] = []
    const states: Record<string, unknown> = {}
    const lasts: (Place | Appended)[] = []
    for (const name in command.reads) {
      const { stream } = command.reads[name]!
      const seen = this.#see(stream)
      seen.isRead = true
      states[name] = seen.state
      read.push(stream)
      const last = seen.fresh ?? seen.last
      if (last) lasts.push(last)
    }
    let decision: ReturnType<typeof command.decide>
    try {
      decision = command.decide(states, { now: this.#now, ids: this.#ids() })
    } catch (error) {
      return void this.#outcomes.push({ pending, error })
    }
    // Nothing will check what it saw, so that has to be the truth of the moment.
    const writesNothing =
      decision.rejection ||
      (decision.events.length === 0 && !decision.claims && !decision.credentials && !decision.counts && !key)
    if (writesNothing && read.some((stream) => this.#recalled.remembered.has(stream)))
      return void this.#outcomes.push({ pending, doubted: true })

    if (decision.rejection) {
      const rejection = rejected(decision.rejection)
      const nothing = { result: undefined, seen: [], from: 0, to: 0, claims: [], counts: [] }
      return void this.#join(read).decided.push({ pending, ...nothing, rejection })
    }

    const { events, result, claims = [], credentials = [], counts = [] } = decision
    let payloads: string[]
    try {
      payloads = events.map(encoded)
    } catch (error) {
      return void this.#outcomes.push({ pending, error })
    }
    const wanted = [
      ...claims.map((c) => `claim ${c.kind} ${c.value}`),
      ...credentials.map((c) => `credential ${c.owner} ${c.kind}`),
      ...counts.map((c) => `count ${c.name}`),
      ...(key ? [`key ${key.scope} ${key.key}`] : []),
    ]
    if (wanted.some((name) => this.#spoken.has(name))) return void this.#outcomes.push({ pending, waited: true })
    for (const name of wanted) this.#spoken.add(name)

    const member = this.#join([...read, ...events.map((event) => event.stream)])
    const from = member.group.events.length
    for (const [i, event] of events.entries()) this.#append(member, event, payloads[i]!, pending)
    const written = member.group.events.slice(from)
    member.group.claims.push(...claims)
    member.group.credentials.push(...credentials)
    member.group.counts.push(...counts)
    if (key) member.group.keys.push({ ...key, result, events: written.map(({ stream, version }) => ({ stream, version })) })
    member.decided.push({ pending, result, seen: lasts, from, to: member.group.events.length, claims, counts })
  }

  /** A position at which all was the truth that the groups stand on, if one is known. */
  get known(): number | undefined {
    return this.#recalled.known
  }

  /** What to append, one group after the other. Groups with nothing to write are left out: nothing can make them lose. */
  groups(): Group[] {
    return this.#writers().map((member) => ({
      ...member.group,
      streams: [...member.changes].map((change) => this.#change(change)),
    }))
  }

  /** What became of each command, given the verdicts on `groups()` in their order. */
  outcomes(verdicts: Verdict[]): Outcome[] {
    const of = new Map(this.#writers().map((member, i) => [member, verdicts[i]!]))
    return [...this.#outcomes, ...this.#alive().flatMap((member) => settled(member, of.get(member)))]
  }

  #alive = () => this.#members.filter((member) => !member.into)
  #writers = () =>
    this.#alive().filter(
      ({ group: { events, claims, credentials, keys, counts } }) =>
        events.length + claims.length + credentials.length + keys.length + counts.length > 0,
    )

  /** Drawn when asked for: a decision may not need them all. */
  #ids = (): Record<string, number> => new Proxy({}, this.#drawing)

  #change([stream, changes]: [string, boolean]): StreamChange {
    const { base, version, state, isRead, unkept } = this.#see(stream)
    const isToBeKept = unkept > KEEP_AFTER
    if (!changes || !(isRead || isToBeKept)) return { stream, expected: base }
    const { stateVersion } = this.#kit.deciderOf(stream)
    return { stream, expected: base, next: { version, stateVersion, state: textOf(state), unkept: isToBeKept ? 0 : unkept } }
  }

  #see(stream: string): Seen {
    let seen = this.#seen.get(stream)
    if (!seen) {
      const { version, state, last, unkept } = this.#recalled.streams.get(stream) ?? UNBORN
      seen = { base: version, version, state, last, unkept }
      this.#seen.set(stream, seen)
    }
    return seen
  }

  /** The group of a command that touches these streams: that of whoever wrote one of them in this round, else a new one. */
  #join(streams: string[]): Member {
    let member: Member | undefined
    for (const stream of streams) {
      const writer = root(this.#see(stream).writer)
      if (writer && writer !== member) member = member ? merge(member, writer) : writer
    }
    if (!member) {
      member = { group: emptyGroup(), changes: new Map(), decided: [] }
      this.#members.push(member)
    }
    for (const stream of streams) if (!member.changes.has(stream)) member.changes.set(stream, false)
    return member
  }

  #append(member: Member, event: NewEvent, data: string, { context }: Pending): void {
    const seen = this.#see(event.stream)
    const decider = this.#kit.deciderOf(event.stream)
    const appended: Appended = {
      id: this.#kit.newId(),
      type: event.type,
      schema: event.schema,
      topic: event.topic,
      partition: this.#kit.partitionOf(event.topic, event.key),
      key: event.key,
      stream: event.stream,
      version: ++seen.version,
      time: this.#now,
      actor: context.actor,
      correlationId: context.correlationId,
      causationId: context.causationId ?? null,
      traceparent: context.traceparent ?? null,
      data,
    }
    seen.state = decider.evolve(seen.state, { ...appended, data: event.data, pos: 0 } as never)
    seen.unkept += weight(appended)
    seen.writer = member
    seen.fresh = appended
    member.changes.set(event.stream, true)
    member.group.events.push(appended)
  }
}

/** The payload as the log keeps it. What Kafka would not take must not enter either log: it would hold up all that comes after. */
function encoded(event: NewEvent): string {
  const data = encode(event)
  if (data.length > MAX_EVENT_BYTES / MAX_UTF8_BYTES && Buffer.byteLength(data) > MAX_EVENT_BYTES)
    throw new Rejected('VALIDATION_ERROR', `This is too large to be kept: ${event.type} may hold ${MAX_EVENT_BYTES} bytes`)
  return data
}
/** For each unit of a string's length. */
const MAX_UTF8_BYTES = 3

/** A stream without events. */
const UNBORN: Known = { version: 0, state: undefined, last: undefined, unkept: 0 }

const emptyGroup = (): Group => ({ streams: [], events: [], claims: [], credentials: [], keys: [], counts: [] })

function root(member: Member | undefined): Member | undefined {
  let last = member
  while (last?.into) last = last.into
  return last
}

/** Moves all of `other` into `member`; indexes into its events shift. */
function merge(member: Member, other: Member): Member {
  const shift = member.group.events.length
  member.decided.push(...other.decided.map((d) => ({ ...d, from: d.from + shift, to: d.to + shift })))
  member.group.events.push(...other.group.events)
  member.group.claims.push(...other.group.claims)
  member.group.credentials.push(...other.group.credentials)
  member.group.keys.push(...other.group.keys)
  member.group.counts.push(...other.group.counts)
  for (const [stream, changes] of other.changes) member.changes.set(stream, changes || member.changes.get(stream) === true)
  other.into = member
  return member
}

/** A key that was used before: the same answer again, unless the request is another one. */
function repeated(known: Loaded['keys'][number], fingerprint: string): Pick<Outcome, 'executed' | 'error'> {
  if (known.fingerprint !== fingerprint)
    return { error: new Rejected('VALIDATION_ERROR', 'This Idempotency-Key was used with another request') }
  return { executed: { result: known.result, positions: known.places, seen: [], replayed: true } }
}

function settled(member: Member, verdict: Verdict | undefined): Outcome[] {
  if (!verdict?.lost) return executed(member, verdict?.positions ?? [])
  const { stale, usedKeys, taken, over } = verdict.lost
  const refusalOf = ({ pending, claims, counts }: Decided): Rejection | undefined =>
    claims.some((claim) => taken.some((t) => t.kind === claim.kind && t.value === claim.value))
      ? pending.command.claimed
      : counts.find(({ name }) => over.includes(name))?.bound?.refused
  // Refused is only who saw the truth: on stale states, or after one that lost as well, it might not want the same at all.
  const refused = stale.length + usedKeys.length > 0 ? undefined : member.decided.find(refusalOf)
  return member.decided.map((decided) => {
    const { pending } = decided
    return decided === refused ? { pending, error: rejected(refusalOf(decided)!) } : { pending }
  })
}

function executed({ group: { events }, decided }: Member, positions: number[]): Outcome[] {
  const places = new Map(
    events.map((event, n) => [event, { topic: event.topic, partition: event.partition, pos: positions[n]! }]),
  )
  return decided.map(({ pending, result, seen, from, to, rejection }) =>
    rejection
      ? { pending, error: rejection }
      : {
          pending,
          executed: {
            result,
            positions: events.slice(from, to).map((event) => places.get(event)!),
            seen: seen.map((last) => ('pos' in last ? last : places.get(last)!)),
            replayed: false,
          },
        },
  )
}
