import type { Knex } from 'knex'

/** The schema of the list of applied migrations, which no other program writes to. */
export const BOOKKEEPING = 'vidwiz'
export const TABLE = 'migrations'

/** Creates the schema. Checks first, because `create schema if not exists` needs the privilege even when the schema exists. */
export async function bookkeeping(db: Knex): Promise<void> {
  const { rows } = await db.raw('select from pg_namespace where nspname = ?', [BOOKKEEPING])
  if (rows.length === 0) await db.raw('create schema ??', [BOOKKEEPING])
}

interface Found {
  schema: string
  /** True when the table can be dropped: our role owns it and it lists no migrations of another program. */
  ours: boolean
  known: number
}

/**
 * Takes over the list of applied migrations from where earlier versions kept it: in the first schema on the search path of the user
 * who ran the first setup. Rows of another program stay where they are.
 * @param names of our migrations
 */
export async function adopt(db: Knex, names: string[]): Promise<void> {
  await db.transaction(async (tx) => {
    const list = `${BOOKKEEPING}.${TABLE}`
    const { rows } = await tx.raw(`select from ${list} limit 1`)
    if (rows.length > 0) return
    const [old] = (await candidates(tx, names)).sort((a, b) => b.known - a.known)
    if (!old) return
    await tx.raw(
      `insert into ${list} (name, batch, migration_time) select name, batch, migration_time from ??.?? where name = any (?) order by id`,
      [old.schema, TABLE, names],
    )
    if (old.ours) await tx.raw('drop table ??.??; drop table if exists ??.??', [old.schema, TABLE, old.schema, `${TABLE}_lock`])
  })
}

/** Knex migration tables, in any schema, that list the first of our migrations. */
async function candidates(tx: Knex, names: string[]): Promise<Found[]> {
  const { rows: tables } = await tx.raw(
    `select n.nspname as schema, pg_has_role(c.relowner, 'usage') as owned
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relname = ? and c.relkind = 'r' and n.nspname <> ? and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
        and 3 = (select count(*) from pg_attribute where attrelid = c.oid and attname in ('name', 'batch', 'migration_time'))`,
    [TABLE, BOOKKEEPING],
  )
  const found: Found[] = []
  for (const { schema, owned } of tables as { schema: string; owned: boolean }[]) {
    const { rows } = await tx.raw(
      `select count(*) filter (where name = any (?))::int as known, count(*)::int as "all", coalesce(bool_or(name = ?), false) as first from ??.??`,
      [names, names[0]!, schema, TABLE],
    )
    const { known, all, first } = rows[0]
    if (first) found.push({ schema, ours: owned && known === all, known })
  }
  return found
}
