import { createHmac, randomBytes } from 'node:crypto'
import { now as clock } from '#platform/clock.ts'

/** A saved session, which survives restarts. Times in milliseconds since the epoch. */
export interface Kept {
  /** HMAC of the session id under the secret it began with: a reader of it can neither use the session nor guess the secret. */
  digest: string
  begunAt: number
  usedAt: number
}

/** Saves sessions beyond the life of the server. Sessions that could not be saved end with it. */
export interface Keeper {
  keep(session: Kept): void
  forget(digests: readonly string[]): void
}

export interface Sessions {
  /** Begins a session; returns its id, which nobody can guess. */
  begin(secret: Buffer): string
  /** Marks a session as used and returns its digest; undefined if the id is unknown or the session has ended. */
  use(id: string, secret: Buffer): string | undefined
  end(digest: string): void
  /** Whether the session has not ended; counts as use. */
  holds(digest: string): boolean
  /** Aborts when the session ends. */
  ended(digest: string): AbortSignal
  count(): number
}

export const ABSOLUTE_MS = 12 * 3_600_000
export const IDLE_MS = 2 * 3_600_000
/** A person has a few. Beyond this number the session idle longest is removed. */
export const MOST_SESSIONS = 200
/** How often a session's last use is saved. */
const KEEP_EVERY_MS = 60_000

interface Session extends Kept {
  keptAt: number
  ending: AbortController
}

export function openSessions({
  kept = [],
  keeper = { keep() {}, forget() {} },
  now = clock,
}: {
  kept?: readonly Kept[]
  keeper?: Keeper
  now?: () => number
} = {}): Sessions {
  /** Ordered by last use, the most recent last. */
  const sessions = new Map<string, Session>()
  for (const one of kept.toSorted((a, b) => a.usedAt - b.usedAt)) add(one)

  function add(session: Kept) {
    sessions.set(session.digest, { ...session, keptAt: session.usedAt, ending: new AbortController() })
  }

  const isOver = ({ begunAt, usedAt }: Kept) => now() >= begunAt + ABSOLUTE_MS || now() >= usedAt + IDLE_MS

  function remove(over: Session[]) {
    for (const { digest, ending } of over) {
      sessions.delete(digest)
      ending.abort()
    }
    if (over.length > 0) keeper.forget(over.map(({ digest }) => digest))
  }

  function touch(digest: string): boolean {
    const session = sessions.get(digest)
    if (!session) return false
    if (isOver(session)) {
      remove([session])
      return false
    }
    session.usedAt = now()
    sessions.delete(digest)
    sessions.set(digest, session)
    if (now() - session.keptAt >= KEEP_EVERY_MS) {
      session.keptAt = now()
      keeper.keep({ digest, begunAt: session.begunAt, usedAt: session.usedAt })
    }
    return true
  }

  return {
    begin(secret) {
      const id = randomBytes(32).toString('base64url')
      const session = { digest: digestOf(id, secret), begunAt: now(), usedAt: now() }
      remove([...sessions.values()].filter(isOver))
      remove([...sessions.values()].slice(0, Math.max(0, sessions.size + 1 - MOST_SESSIONS)))
      add(session)
      keeper.keep(session)
      return id
    },
    use(id, secret) {
      const digest = digestOf(id, secret)
      return touch(digest) ? digest : undefined
    },
    end(digest) {
      const session = sessions.get(digest)
      if (session) remove([session])
    },
    holds: touch,
    ended: (digest) => sessions.get(digest)?.ending.signal ?? AbortSignal.abort(),
    count: () => sessions.size,
  }
}

const digestOf = (id: string, secret: Buffer): string => createHmac('sha256', secret).update(id).digest('base64url')
