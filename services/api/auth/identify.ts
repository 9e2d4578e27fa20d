import { command, nothing } from '#events/kit/command.ts'
import { users } from '#events/user.ts'
import type { Queryable } from '#platform/pg/pool.ts'

export interface Identity {
  /** The account that holds the address; pass it to `accountOf`. */
  owner: string
  /** Null for an account without a password. */
  passwordHash: string | null
}

const SQL = `
select reservation.owner, credential.value as "passwordHash"
  from log.reservations reservation
  left join log.credentials credential on credential.owner = reservation.owner and credential.kind = 'password'
 where reservation.kind = 'email' and reservation.value = $1`

/** Finds the account that holds an e-mail address. Reads the log's reservations, so that a new user can log in at once. */
export async function identify(db: Queryable, email: string): Promise<Identity | undefined> {
  const [identity] = await db.query<Identity>('identify', SQL, [email])
  return identity
}

/** Reads an account from the log, where a lagging view would be wrong; null if there is none. */
export const accountOf = (owner: string) =>
  command({
    name: 'accountOf',
    reads: { user: { stream: owner, decider: users } },
    decide: ({ user }) => nothing(user ?? null),
  })
