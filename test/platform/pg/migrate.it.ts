import { expect } from 'chai'
import pg from 'pg'
import { migrate } from '#platform/pg/migrate.ts'
import { openDb } from '#platform/pg/pool.ts'
import { STEPS } from '#platform/pg/squashed.ts'
import { reach } from '#platform/pg/where.ts'
import { administer, emptyDatabase, freshDatabase, type NewDatabase } from '#test/kit/postgres.ts'

/** Lays the list of migrations where earlier versions kept it. */
const asBefore = (schema: string) => `
  create schema if not exists ${schema};
  alter table vidwiz.migrations set schema ${schema};
  alter table vidwiz.migrations_lock set schema ${schema};
  drop schema vidwiz`

const rows = async ({ url }: NewDatabase, statement: string): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return (await client.query(statement).finally(() => client.end())).rows
}

/** Gives the database the names that it had before 009_words.sql. */
const OLD_NAMES = `
  alter table log.reservations rename to claims;
  alter index log.reservations_pkey rename to claims_pkey;
  alter table log.idempotency_keys rename to keys;
  alter index log.idempotency_keys_pkey rename to keys_pkey;
  alter index log.idempotency_keys_by_age rename to keys_by_age;
  do $do$ declare
    now text = pg_get_functiondef('log.append'::regproc);
  begin
    drop function log.append;
    execute replace(replace(now, 'reservations', 'claims'), 'idempotency_keys', 'keys');
  end $do$;
  revoke execute on function log.append from public;
  grant execute on function log.append to words`

/** All that has these names: tables, indexes, and the function with its text. */
const NAMED = `
  select relname as name, relkind::text as kind, relacl::text as rights from pg_class
   where relnamespace = 'log'::regnamespace and relkind in ('r', 'i')
  union all select conname, 'constraint', null from pg_constraint where connamespace = 'log'::regnamespace
  union all select pg_get_functiondef('log.append'::regproc), 'function', null order by 1, 2`

describe('the list of migrations', function () {
  this.timeout(30_000)

  for (const schema of ['public', 'elsewhere'])
    it(`of a database that earlier versions set up is taken over from the schema ${schema}`, async () => {
      const database = await freshDatabase()
      const before = await rows(database, 'select name from vidwiz.migrations order by id')
      await administer(database.url, asBefore(schema))
      expect(await migrate(database.url)).to.deep.equal([])
      expect(await rows(database, 'select name from vidwiz.migrations order by id')).to.deep.equal(before)
      expect(
        await rows(
          database,
          `select to_regclass('${schema}.migrations') as old, to_regclass('${schema}.migrations_lock') as lock`,
        ),
      ).to.deep.equal([{ old: null, lock: null }])
      expect(await migrate(database.url)).to.deep.equal([])
      await database.drop()
    })

  it('of a database from before the first release is replaced by the files that make the same tables', async () => {
    const database = await freshDatabase()
    const names = await rows(database, 'select name from vidwiz.migrations order by name')
    const steps = (some: readonly string[]) =>
      administer(
        database.url,
        `truncate vidwiz.migrations;
         insert into vidwiz.migrations (name, batch, migration_time)
         select n, 1, now() from unnest('{${some.join()}}'::text[]) n`,
      )
    // What came later than the last step: they lack it.
    await administer(
      database.url,
      `drop function log.make_sequences, log.saw, log.gaps, log.gone, log.whole_after, log.left_out; drop table log.given_up, log.event_types;
       alter table log.replays drop column pace`,
    )
    await steps(STEPS)
    expect(await migrate(database.url)).to.deep.equal([
      '005_gaps.sql',
      '006_event_types.sql',
      '007_sequences.sql',
      '008_pace.sql',
      '009_words.sql',
    ])
    expect(await rows(database, 'select name from vidwiz.migrations order by name')).to.deep.equal(names)
    await steps(STEPS.slice(0, -1))
    const error = await migrate(database.url).catch((error) => error)
    expect([error.name, error.message]).to.deep.equal([
      'OperatorError',
      'the tables of the database are from before the first release, and lack 029_living_owners.sql: run the setup of a version that has these first',
    ])
    expect(await rows(database, 'select count(*)::int from vidwiz.migrations')).to.deep.equal([{ count: STEPS.length - 1 }])
    await database.drop()
  })

  it('brings old names up to date, with their rights, and leaves older code that still runs its tables', async () => {
    const database = await freshDatabase()
    const made = () => rows(database, NAMED)
    await administer(
      database.url,
      `create role words; grant usage on schema log to words; grant insert, select on log.reservations to words; ${OLD_NAMES}`,
    )
    const old = await made()
    await administer(database.url, `delete from vidwiz.migrations where name = '009_words.sql'`)
    expect(await migrate(database.url)).to.deep.equal(['009_words.sql'])
    const other = await freshDatabase()
    await administer(other.url, 'grant insert, select on log.reservations to words')
    expect(await made())
      .to.deep.equal(await rows(other, NAMED))
      .and.not.deep.equal(old)
    expect(
      await rows(
        database,
        `select array_agg(grantee::regrole::text order by grantee) as roles
        from pg_proc, aclexplode(proacl) where oid = 'log.append'::regproc and grantee <> proowner`,
      ),
    ).to.deep.equal([{ roles: ['words'] }])
    await administer(
      database.url,
      `insert into log.idempotency_keys (scope, key, fingerprint, kept, at) values ('', 'a', '', '{}', '2000-01-01'), ('', 'b', '', '{}', now());
       set role words; select owner from log.claims; reset role;
       begin; lock table log.claims, log.keys in row exclusive mode; commit;
       delete from log.keys where ctid = any (array(select ctid from log.keys where at < now() - interval '7 days' limit 5))`,
    )
    expect(await rows(database, 'select scope, key, kept from log.keys')).to.deep.equal([{ scope: '', key: 'b', kept: {} }])
    await database.drop()
    await other.drop()
    await administer(database.url.replace(/[^/]*$/, 'postgres'), 'drop role words')
  })

  it('leaves the tables of another program alone, also those that list ours as well', async () => {
    const database = await freshDatabase()
    await administer(database.url, asBefore('public'))
    await administer(
      database.url,
      `insert into public.migrations (name, batch, migration_time) values ('theirs.js', 1, now());
       update public.migrations_lock set is_locked = 1`,
    )
    expect(await migrate(database.url)).to.deep.equal([])
    expect(await rows(database, `select name from vidwiz.migrations where name = 'theirs.js'`)).to.deep.equal([])
    expect(await rows(database, `select name from public.migrations where name = 'theirs.js'`)).to.have.lengthOf(1)
    expect(await rows(database, 'select is_locked from public.migrations_lock')).to.deep.equal([{ is_locked: 1 }])
    await database.drop()
  })

  it('frees no lock of another program that is at work in the same schema', async () => {
    const database = await emptyDatabase()
    await administer(
      database.url,
      `create table public.migrations (id serial primary key, name text, batch int, migration_time timestamptz);
       create table public.migrations_lock (index serial primary key, is_locked int);
       insert into public.migrations (name, batch, migration_time) values ('theirs.js', 1, now());
       insert into public.migrations_lock (is_locked) values (1)`,
    )
    expect(await migrate(database.url)).to.include('001_log.sql')
    expect(await rows(database, 'select is_locked from public.migrations_lock')).to.deep.equal([{ is_locked: 1 }])
    expect(await rows(database, 'select name from public.migrations')).to.deep.equal([{ name: 'theirs.js' }])
    await database.drop()
  })

  it('needs a user that may change the database, and says so in a line', async () => {
    const database = await freshDatabase()
    const role = `${database.name}_reader`
    await administer(database.url, `create role ${role} login password 'a password' in role pg_read_all_data`)
    const url = Object.assign(new URL(database.url), { username: role, password: 'a%20password' }).href
    await administer(database.url, asBefore('public'))
    const error = await migrate(url).catch((error) => error)
    expect(error.name, error.message).to.equal('OperatorError')
    expect(error.message).to.match(
      new RegExp(
        `^the user ${role} may not change the tables of the database ${database.name} \\(.*permission denied.*run \`vidwiz setup\` as its owner`,
      ),
    )
    const db = openDb(url)
    expect(await db.query('t.read', 'select from log.events')).to.deep.equal([])
    const older = await reach(db, { writes: false }).catch((error) => error)
    expect(older.message).to.match(/^the tables of the database are of an older version, .*run `npx vidwiz setup`/)
    await migrate(database.url)
    await reach(db, { writes: false })
    const refused = await reach(db).catch((error) => error)
    expect(refused.message).to.match(new RegExp(`^the user ${role} of DB_URL may not write to the tables`))
    await db.close()
    await administer(database.url, `drop owned by ${role}; drop role ${role}`)
    await database.drop()
  })
})
