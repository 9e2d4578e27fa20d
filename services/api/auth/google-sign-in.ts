import { type Account, type GooglePerson, registerWithGoogle, signInWithGoogle, userIdOf } from '#events/user.ts'
import { Rejected } from '#platform/log/executor.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { unauthorized } from '../errors.ts'
import type { Tools } from '../tools.ts'
import type { Vouched } from './google.ts'

/** Each time is lost to a request that has changed who is found, and there are not so many ways to be found. */
const MAX_ATTEMPTS = 5

/**
 * Lets somebody in whom Google vouches for: into the account that has this Google account, else into the one that has this
 * e-mail, else into a new one. Many at once get the same account.
 *
 * @throws HttpError 401 when only the e-mail could tell whose account it is, and Google has not seen that it is theirs
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

const SQL = `select kind, owner from log.claims where (kind, value) in (('google', $1), ('email', $2))`

/** Asks the log, not a view: who was let in a moment ago is found. */
async function find(
  db: Queryable,
  { googleId, email }: GooglePerson,
): Promise<{ userId: number; foundBy: 'google' | 'email' } | undefined> {
  const holders = await db.query<{ kind: 'google' | 'email'; owner: string }>('google.find', SQL, [googleId, email])
  const holder = holders.find(({ kind }) => kind === 'google') ?? holders[0]
  return holder && { userId: userIdOf(holder.owner), foundBy: holder.kind }
}
