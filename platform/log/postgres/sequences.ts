import type { Decider } from '#events/kit/stream.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { codeOf, messageOf, NOT_ALLOWED } from '#platform/pg/errors.ts'
import type { Queryable } from '#platform/pg/pool.ts'

/**
 * Makes the sequences of the ids that these deciders declare, where they are missing. Existing sequences continue where they are.
 * @returns the names of those that it made
 * @throws OperatorError when one is missing and the database's user may not make it
 */
export async function makeSequences(db: Queryable, deciders: readonly Decider[]): Promise<string[]> {
  const ids = [...new Set(deciders.flatMap((decider) => decider.ids))]
  try {
    const made = await db.query<{ name: string }>('sequences.make', 'select log.make_sequences($1) as name', [ids])
    return made.map(({ name }) => name)
  } catch (error) {
    if (codeOf(error) !== NOT_ALLOWED) throw error
    throw new OperatorError(
      `the database lacks a sequence of ids, and the user of DB_URL may not make it (${messageOf(error)}): ` +
        'run `npx vidwiz setup` as the owner of the tables',
      { cause: error },
    )
  }
}
