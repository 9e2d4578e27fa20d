import type { User } from '#events/user.ts'
import type { Queryable } from '#platform/pg/pool.ts'

export interface Identity {
  userId: number
  /** Null for an account without a password. */
  passwordHash: string | null
  state: User
}

const SQL = `
select credential.value as hash, stream.state
  from log.claims claim
  join log.streams stream on stream.stream = claim.owner
  left join log.credentials credential on credential.owner = claim.owner and credential.kind = 'password'
 where claim.kind = 'email' and claim.value = $1`

/** Finds the account of an e-mail address as the log has it at this moment: who has just registered can log in. */
export async function identify(db: Queryable, email: string): Promise<Identity | undefined> {
  const [row] = await db.query<{ hash: string | null; state: string }>('identify', SQL, [email])
  if (!row) return undefined
  const state: User = JSON.parse(row.state)
  return { userId: state.userId, passwordHash: row.hash, state }
}
