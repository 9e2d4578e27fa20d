import { command, nothing } from '#events/kit/command.ts'
import { users } from '#events/user.ts'
import type { Queryable } from '#platform/pg/pool.ts'

export interface Identity {
  /** The account that holds the address, as `accountOf` takes it. */
  owner: string
  /** Null for an account without a password. */
  passwordHash: string | null
}

const SQL = `
select claim.owner, credential.value as "passwordHash"
  from log.claims claim
  left join log.credentials credential on credential.owner = claim.owner and credential.kind = 'password'
 where claim.kind = 'email' and claim.value = $1`

/** Finds out who holds an e-mail address at this moment: who has just registered can log in. */
export async function identify(db: Queryable, email: string): Promise<Identity | undefined> {
  const [identity] = await db.query<Identity>('identify', SQL, [email])
  return identity
}

/** Finds an account as the log has it, for what must not depend on how far a view has come; null if there is none. */
export const accountOf = (owner: string) =>
  command({
    name: 'accountOf',
    reads: { user: { stream: owner, decider: users } },
    decide: ({ user }) => nothing(user ?? null),
  })
