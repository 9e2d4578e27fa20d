import type { Count, Rejection, Reservation } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import type { Decider } from '#events/kit/stream.ts'
import { MAX_EVENT_BYTES } from '#platform/kafka/message-bytes.ts'
import type { Appended, Group, Loaded, Place, StreamChange, StreamVersion, Verdict } from '../port.ts'
import { type Executed, type Pending, Rejected, rejected } from './contract.ts'
import { KEEP_AFTER, type Known, type Recalled, sizeOf, textOf } from './memory.ts'
import { madeBy, streamsOf } from './stored-results.ts'

/** Milliseconds; synchronized clocks differ by less. */
const LEAP_MS = 300_000

/** Outcome of a command: an answer, an error, or neither when it must be decided again. */
export interface CommandOutcome {
  pending: Pending
  executed?: Executed<unknown>
  error?: unknown
  /** To be decided again on loaded instead of remembered states. It has not lost. */
  doubted?: boolean
  /**
   * To be decided again because another command of this round wants the same reservation, credential, count or Idempotency-Key. It
   * has not lost.
   */
  waited?: boolean
}

interface Kit {
  deciderOf(stream: string): Decider
  partitionOf(topic: string, key: string): number
  newId(): string
}

/** A stream as this round sees it, with the events that commands of this round have added. */
interface Seen extends Known {
  base: number
  /** A command read it. A stream that is only written is new and may never be read, so its state is not remembered. */
  isRead?: true
  /** Its last event, if this round wrote it. */
  fresh?: Appended
  /** The group whose events changed it in this round. */
  writer?: Member
}

interface Decided {
  pending: Pending
  result: unknown
  /** The last events of the streams it read; those of this round have no place yet. */
  seen: (Place | Appended)[]
  /** Indexes into the group's events. */
  from: number
  to: number
  reservations: Reservation[]
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
 * One round: commands that are decided together, each on the state that those before it left, and appended together. Commands that
 * read what another one wrote form a group with it and win or lose together, so no decision rests on events that were not written.
 */
export class Round {
  readonly #recalled: Recalled
  readonly #now: number
  readonly #kit: Kit
  readonly #seen = new Map<string, Seen>()
  readonly #members: Member[] = []
  readonly #outcomes: CommandOutcome[] = []
  /**
   * Reservations, credentials, Idempotency-Keys and counts that a command of this round uses: another that wants one waits for the
   * next round.
   */
  readonly #spoken = new Set<string>()
  readonly #drawing: ProxyHandler<Record<string, number>>

  constructor(recalled: Recalled, now: number, kit: Kit) {
    this.#recalled = recalled
    this.#now = now
    this.#kit = kit
    // A proxy, so that ids are drawn only when a decision asks for them. Getters would do the same, but would give each object a
    // hidden class of its own, which lives long and keeps this round in memory.
    this.#drawing = {
      get(drawn, sequence: string) {
        drawn[sequence] ??= recalled.draw(sequence)
        return drawn[sequence]
      },
    }
  }

  /** Decides one command on the state that the commands before it left. */
  decide(pending: Pending): void {
    const { command, context } = pending
    const key = context.idempotency
    const known = key && this.#recalled.results.find((k) => k.scope === key.scope && k.key === key.key)
    if (known) return void this.#outcomes.push({ pending, ...repeated(known, key.fingerprint) })

    const read: string[] = []
    const reads: StreamVersion[] = []
    const states: Record<string, unknown> = {}
    const lasts: (Place | Appended)[] = []
    for (const name in command.reads) {
      const { stream } = command.reads[name]!
      const seen = this.#see(stream)
      seen.isRead = true
      states[name] = seen.state
      read.push(stream)
      reads.push({ stream, version: seen.version })
      const last = seen.fresh ?? seen.last
      if (last) lasts.push(last)
    }
    const now = this.#timeAfter(read)
    const ids: Record<string, number> = {}
    let decision: ReturnType<typeof command.decide>
    try {
      decision = command.decide(states, { now, ids: new Proxy(ids, this.#drawing) })
    } catch (error) {
      return void this.#outcomes.push({ pending, error })
    }
    // The append checks nothing for a command that writes nothing, so it must not decide on remembered states.
    const writesNothing =
      decision.rejection ||
      (decision.events.length === 0 && !decision.reservations && !decision.credentials && !decision.counts && !key)
    if (writesNothing && read.some((stream) => this.#recalled.remembered.has(stream)))
      return void this.#outcomes.push({ pending, doubted: true })

    if (decision.rejection) {
      const rejection = rejected(decision.rejection)
      const nothing = { result: undefined, seen: [], from: 0, to: 0, reservations: [], counts: [] }
      return void this.#join(read).decided.push({ pending, ...nothing, rejection })
    }

    const { events, result, reservations = [], credentials = [], counts = [] } = decision
    let payloads: string[]
    try {
      payloads = events.map(encoded)
    } catch (error) {
      return void this.#outcomes.push({ pending, error })
    }
    const wanted = [
      ...reservations.map((c) => `reservation ${c.kind} ${c.value}`),
      ...credentials.map((c) => `credential ${c.owner} ${c.kind}`),
      ...counts.map((c) => `count ${c.name}`),
      ...(key ? [`key ${key.scope} ${key.key}`] : []),
    ]
    if (wanted.some((name) => this.#spoken.has(name))) return void this.#outcomes.push({ pending, waited: true })
    for (const name of wanted) this.#spoken.add(name)

    const member = this.#join([...read, ...events.map((event) => event.stream)])
    const from = member.group.events.length
    for (const [i, event] of events.entries()) this.#append(member, event, payloads[i]!, pending, now)
    const written = member.group.events.slice(from)
    member.group.reservations.push(...reservations)
    member.group.credentials.push(...credentials)
    member.group.counts.push(...counts)
    if (key) {
      const events = written.map(({ stream, version }) => ({ stream, version }))
      const by = madeBy(streamsOf(reads, events), this.#kit.deciderOf)
      member.group.results.push({ ...key, result, events, reads, ids, madeBy: by })
    }
    member.decided.push({ pending, result, seen: lasts, from, to: member.group.events.length, reservations, counts })
  }

  /** Log position at which all versions these groups read were current, if known; lets append skip the stale check. */
  get known(): number | undefined {
    return this.#recalled.known
  }

  /** The groups to append, in order. Groups that write nothing are left out, because they cannot lose. */
  groups(): Group[] {
    return this.#writers().map((member) => ({
      ...member.group,
      streams: [...member.changes].map((change) => this.#change(change)),
    }))
  }

  /** The outcome of each command, given the verdicts on `groups()` in their order. */
  outcomes(verdicts: Verdict[]): CommandOutcome[] {
    const of = new Map(this.#writers().map((member, i) => [member, verdicts[i]!]))
    return [...this.#outcomes, ...this.#alive().flatMap((member) => settled(member, of.get(member)))]
  }

  #alive = () => this.#members.filter((member) => !member.into)
  #writers = () =>
    this.#alive().filter(
      ({ group: { events, reservations, credentials, results, counts } }) =>
        events.length + reservations.length + credentials.length + results.length + counts.length > 0,
    )

  /**
   * The time of a command: not before the events that it read, which may bear another machine's clock. Events more than LEAP_MS
   * ahead do not count, or deadlines that the command sets would be as wrong; times within their stream stay in order anyway.
   */
  #timeAfter = (read: string[]): number =>
    read.reduce((latest, stream) => {
      const { time } = this.#see(stream)
      return time <= this.#now + LEAP_MS ? Math.max(latest, time) : latest
    }, this.#now)

  #change([stream, changes]: [string, boolean]): StreamChange {
    const { base, version, state, time, isRead, unkept } = this.#see(stream)
    const isToBeKept = unkept > KEEP_AFTER
    if (!changes || !(isRead || isToBeKept)) return { stream, expected: base }
    const { stateVersion } = this.#kit.deciderOf(stream)
    const next = { version, stateVersion, state: textOf(state), time, unkept: isToBeKept ? 0 : unkept }
    return { stream, expected: base, next }
  }

  #see(stream: string): Seen {
    let seen = this.#seen.get(stream)
    if (!seen) {
      const { version, state, last, time, unkept } = this.#recalled.streams.get(stream) ?? UNBORN
      seen = { base: version, version, state, last, time, unkept }
      this.#seen.set(stream, seen)
    }
    return seen
  }

  /** The group of a command that touches these streams: the merged groups that wrote one of them in this round, else a new one. */
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

  #append(member: Member, event: NewEvent, data: string, { context }: Pending, now: number): void {
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
      time: Math.max(now, seen.time),
      actor: context.actor,
      correlationId: context.correlationId,
      causationId: context.causationId ?? null,
      traceparent: context.traceparent ?? null,
      data,
    }
    seen.state = decider.evolve(seen.state, { ...appended, data: event.data, pos: 0 })
    seen.unkept += sizeOf(appended)
    seen.time = appended.time
    seen.writer = member
    seen.fresh = appended
    member.changes.set(event.stream, true)
    member.group.events.push(appended)
  }
}

/** The payload as the log stores it: JSON text. Rejects what Kafka would not take, on both logs: it would block the relay for good. */
function encoded(event: NewEvent): string {
  const data = JSON.stringify(event.data)
  if (data.length > MAX_EVENT_BYTES / MAX_UTF8_BYTES && Buffer.byteLength(data) > MAX_EVENT_BYTES)
    throw new Rejected('VALIDATION_ERROR', `This is too large to be kept: ${event.type} may hold ${MAX_EVENT_BYTES} bytes`)
  return data
}
/** Per unit of a string's `length`. */
const MAX_UTF8_BYTES = 3

/** A stream without events. */
const UNBORN: Known = { version: 0, state: undefined, last: undefined, time: 0, unkept: 0 }

const emptyGroup = (): Group => ({ streams: [], events: [], reservations: [], credentials: [], results: [], counts: [] })

function root(member: Member | undefined): Member | undefined {
  let last = member
  while (last?.into) last = last.into
  return last
}

/** Moves all of `other` into `member`; the indexes into the events of `other` shift. */
function merge(member: Member, other: Member): Member {
  const shift = member.group.events.length
  member.decided.push(...other.decided.map((d) => ({ ...d, from: d.from + shift, to: d.to + shift })))
  member.group.events.push(...other.group.events)
  member.group.reservations.push(...other.group.reservations)
  member.group.credentials.push(...other.group.credentials)
  member.group.results.push(...other.group.results)
  member.group.counts.push(...other.group.counts)
  for (const [stream, changes] of other.changes) member.changes.set(stream, changes || member.changes.get(stream) === true)
  other.into = member
  return member
}

/** Answers a key that was used before: with the stored result, or an error if the request is another one. */
function repeated(known: Loaded['results'][number], fingerprint: string): Pick<CommandOutcome, 'executed' | 'error'> {
  if (known.fingerprint !== fingerprint)
    return { error: new Rejected('VALIDATION_ERROR', 'This Idempotency-Key was used with another request') }
  return { executed: { result: known.result, positions: known.places, seen: known.seen, replayed: true } }
}

function settled(member: Member, verdict: Verdict | undefined): CommandOutcome[] {
  if (!verdict?.lost) return executed(member, verdict?.positions ?? [])
  const { stale, usedKeys, taken, over } = verdict.lost
  const refusalOf = ({ pending, reservations, counts }: Decided): Rejection | undefined =>
    reservations.some((one) => taken.some((t) => t.kind === one.kind && t.value === one.value))
      ? pending.command.taken
      : counts.find(({ name }) => over.includes(name))?.bound?.refused
  // Reject for a taken value or a full count only if nothing was stale, and only the first such command: the others may have
  // built on it. They are decided again.
  const refused = stale.length + usedKeys.length > 0 ? undefined : member.decided.find(refusalOf)
  return member.decided.map((decided) => {
    const { pending } = decided
    return decided === refused ? { pending, error: rejected(refusalOf(decided)!) } : { pending }
  })
}

function executed({ group: { events }, decided }: Member, positions: number[]): CommandOutcome[] {
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
