import { type Account, type GooglePerson, registerWithGoogle, signInWithGoogle, userIdOf } from '#events/user.ts'
import { Rejected } from '#platform/log/commands/executor.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { unauthorized } from '../errors.ts'
import type { Tools } from '../tools.ts'
import type { Vouched } from './google.ts'

/** Another request wins each conflict by changing how the account is found, and an account can be found in few ways only. */
const MAX_ATTEMPTS = 5

/**
 * Signs in a person whom Google vouches for: to the account with this Google account, else to the account with this e-mail, else to
 * a new account. Concurrent sign-ins of one person get the same account.
 *
 * @throws HttpError 401 when no account has this Google account yet, and Google has not verified the e-mail
 */
export async function signIn(
  person: Vouched,
  { db, execute, aiNotes }: Pick<Tools, 'db' | 'execute'> & { aiNotes?: boolean | undefined },
): Promise<Account> {
  for (let attempt = 1; ; attempt++) {
    const found = await find(db, person)
    if (found?.foundBy !== 'google' && !person.isEmailVerified)
      throw unauthorized('Google has not verified the email address of this account')
    const command = found ? signInWithGoogle({ ...person, ...found }) : registerWithGoogle({ ...person, aiNotes })
    try {
      return await execute(command, { visibleIn: ['users'] })
    } catch (error) {
      if (!(error instanceof Rejected && error.code === 'CONFLICT') || attempt === MAX_ATTEMPTS) throw error
    }
  }
}

const SQL = `select kind, owner from log.reservations where (kind, value) in (('google', $1), ('email', $2))`

/** Reads the log's claims, not a view, so that an account opened a moment ago is found. */
async function find(
  db: Queryable,
  { googleId, email }: GooglePerson,
): Promise<{ userId: number; foundBy: 'google' | 'email' } | undefined> {
  const holders = await db.query<{ kind: 'google' | 'email'; owner: string }>('google.find', SQL, [googleId, email])
  const holder = holders.find(({ kind }) => kind === 'google') ?? holders[0]
  return holder && { userId: userIdOf(holder.owner), foundBy: holder.kind }
}
