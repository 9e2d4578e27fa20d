import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { OperatorError } from '#platform/operator-error.ts'
import { databaseIn, userIn } from '#platform/pg/address.ts'
import { PinnedClient } from '#platform/pg/client.ts'
import { codeOf, NOT_ALLOWED } from '#platform/pg/errors.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { connectionOptions, type Db, openDb } from '#platform/pg/pool.ts'
import { scramVerifier } from '#platform/pg/scram.ts'
import { CHANNEL, doorOf, isOpen, MIGRATIONS } from './where.ts'

const { escapeIdentifier: name, escapeLiteral: literal } = pg

const EXISTS = ['42P04', '42710', '23505']

/** Enough for several workers, each with a connection pool. */
const CONNECTIONS = 20

/** Session settings of the role. It may change them: they only guard against sessions that hang. */
const SESSION = {
  search_path: 'door',
  timezone: 'UTC',
  statement_timeout: '30s',
  lock_timeout: '20s',
  idle_session_timeout: '1d',
}

/** Settings that only a superuser can set, so that the role cannot change them. */
const BOUND = { temp_file_limit: '16MB', log_min_duration_statement: '-1' }

/**
 * Functions that everybody may call in every database, and that workers do not need: locks (whose number is bounded per server),
 * large objects and messages to the write-ahead log (which fill the disk), and functions that show what others do on the server.
 */
const USELESS = [
  '^pg_(try_)?advisory_',
  '^(lo_|loread$|lowrite$)',
  '^pg_(notify|listening_channels|notification_queue_usage|sleep.*|logical_emit_message|export_snapshot)$',
  '^pg_(cancel|terminate)_backend$',
  '^pg_stat_get_',
  '^(query|table|schema|database|cursor)_to_xml',
]

export interface Opened {
  /** Other databases of the server that the role may connect to, because everybody may. */
  alsoOpen: string[]
}

/**
 * Creates or updates the database of the door (for media workers without HTTP) and the workers' role.
 * @param db our database; `url` leads to it
 * @param password of ASCII characters; undefined: unchanged
 * @param ownsServer whether everything on the server is ours
 * @throws OperatorError when the user of `url` lacks the rights
 */
export async function openDoor(
  db: Db,
  { url, password, ownsServer }: { url: string; password: string | undefined; ownsServer: boolean },
): Promise<Opened> {
  const door = doorOf(url)
  await allowed(url, () => makeRole(db, door.name, password))
  await allowed(url, () => makeDatabase(db, door.name))
  await onceLetIn(() => updateDoor(url))
  await allowed(url, () => closeToEverybody(db, databaseIn(url), door.name))
  if (ownsServer) await revokeConnect(db, ['postgres', 'template1'])
  await db.query('door.tell', `select pg_notify('${CHANNEL}', '')`)
  return { alsoOpen: await openTo(db, door.name) }
}

/** PgBouncer refuses a database for so long after it failed to log in there, unless set otherwise (server_login_retry). */
const LOGIN_RETRY_MS = 15_000
const PROTOCOL_VIOLATION = '08P01'

/** A pooler that was asked for the database before it was created may refuse it for a while. */
async function onceLetIn(work: () => Promise<void>): Promise<void> {
  const until = Date.now() + LOGIN_RETRY_MS + 1_000
  while (true) {
    try {
      return await work()
    } catch (error) {
      if (codeOf(error) !== PROTOCOL_VIOLATION || Date.now() > until) throw error
    }
    await sleep(200)
  }
}

/** Updates the tables of the door, and its role's rights. */
export async function updateDoor(databaseUrl: string): Promise<void> {
  const { name: role, url } = doorOf(databaseUrl)
  await migrate(url, MIGRATIONS)
  const client = new PinnedClient(connectionOptions(url, { name: 'vidwiz door' }))
  await client.connect()
  try {
    await client.query(rights(role))
  } finally {
    await client.end()
  }
}

const rights = (role: string) => `
  begin;
  select pg_advisory_xact_lock(1);
  revoke all on database ${name(role)} from public;
  grant connect on database ${name(role)} to ${name(role)};
  alter role ${name(role)} in database ${name(role)} reset all;
  revoke all on all tables in schema door from ${name(role)};
  grant usage on schema door to ${name(role)};
  grant select on all tables in schema door to ${name(role)};
  grant update (status, title) on door.videos to ${name(role)};
  grant insert on door.transcripts, door.flashcards, door.quizzes to ${name(role)};
  -- Nobody but who owns the server may do the rest; where we are not, the role can do what everybody can in any database.
  do $$
  declare
    _what text;
  begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
      return;
    end if;
    for _what in select p.oid::regprocedure from pg_proc p where pronamespace = 'pg_catalog'::regnamespace and proname ~ any (${literal(`{${USELESS.map((one) => JSON.stringify(one)).join(',')}}`)}) loop
      execute 'revoke execute on function ' || _what || ' from public';
    end loop;
    for _what in select c.oid::regclass from pg_class c where relnamespace = 'pg_catalog'::regnamespace and relname ~ '^pg_stat_(activity|ssl|gssapi|replication)$' loop
      execute 'revoke select on ' || _what || ' from public';
    end loop;
    revoke usage on language plpgsql from public;
  end $$;
  commit`

async function makeRole(db: Db, role: string, password: string | undefined) {
  const secret = password === undefined ? '' : `password ${literal(scramVerifier(password))}`
  const statement = `login connection limit ${CONNECTIONS} ${secret}`
  // A new role has "nocreatedb" and the like anyway; in older versions of Postgres, naming them takes more rights.
  await run(db, `create role ${name(role)} noinherit ${statement}`).catch((error) => {
    if (!EXISTS.includes(codeOf(error) ?? '')) throw error
    return run(db, `alter role ${name(role)} ${statement}`)
  })
  // Drops settings that the role changed for itself.
  await run(db, `alter role ${name(role)} reset all`)
  for (const [setting, value] of Object.entries(SESSION)) await run(db, set(role, setting, value))
  for (const [setting, value] of Object.entries(BOUND))
    await run(db, set(role, setting, value)).catch((error) => {
      if (codeOf(error) !== NOT_ALLOWED) throw error
    })
}

const set = (role: string, setting: string, value: string) => `alter role ${name(role)} set ${setting} = ${literal(value)}`

async function makeDatabase(db: Db, database: string) {
  await run(db, `create database ${name(database)} template template0`).catch((error) => {
    if (!EXISTS.includes(codeOf(error) ?? '')) throw error
  })
}

/**
 * Keeps the workers out of our own database, whose channels and locks are open to everybody who can connect. Existing roles
 * that could connect still can; later ones need a grant.
 */
async function closeToEverybody(db: Db, ours: string, role: string) {
  if (!(await isOpen(db))) {
    const [row] = await db.query<{ open: boolean }>(
      'door.public',
      `select has_database_privilege($1, current_database(), 'connect') as open`,
      [role],
    )
    await db.query('door.record', 'insert into log.door (database, was_public) values ($1, $2) on conflict do nothing', [
      role,
      row!.open,
    ])
  }
  const others = await db.query<{ role: string }>(
    'door.others',
    `select rolname as role from pg_roles
      where rolcanlogin and not rolsuper and rolname not in ($1, current_user) and has_database_privilege(oid, current_database(), 'connect')`,
    [role],
  )
  for (const other of others) await run(db, `grant connect, temporary on database ${name(ours)} to ${name(other.role)}`)
  await run(db, `revoke connect, temporary on database ${name(ours)} from public`)
  const [left] = await db.query<{ open: boolean }>(
    'door.public',
    `select has_database_privilege($1, current_database(), 'connect') as open`,
    [role],
  )
  if (left!.open)
    throw new OperatorError(
      `the role ${role} can still connect to ${ours}, whose channels and locks it must not use: ` +
        `let its owner run: revoke connect, temporary on database ${name(ours)} from public`,
    )
}

const revokeConnect = async (db: Db, databases: string[]) => {
  for (const one of databases) await run(db, `revoke connect, temporary on database ${name(one)} from public`)
}

/** Databases of the server that a role may connect to, other than its own. */
const openTo = async (db: Db, role: string) =>
  (
    await db.query<{ name: string }>(
      'door.also',
      `select datname as name from pg_database
        where datallowconn and datname <> $1 and has_database_privilege($1, oid, 'connect') order by 1`,
      [role],
    )
  ).map(({ name }) => name)

/**
 * Removes the door's database and role.
 * @throws OperatorError when workers' entries are not events yet, unless `force`
 */
export async function closeDoor(db: Db, { url, force }: { url: string; force: boolean }): Promise<void> {
  const door = doorOf(url)
  const [row] = await db.query<{ was_public: boolean }>('door.row', 'select was_public from log.door')
  if (!row) throw new OperatorError('there is no door: `npx vidwiz media door` opens one')
  const waiting = force ? 0 : await waitingIn(door.url)
  if (waiting > 0)
    throw new OperatorError(
      `${waiting} entries of workers are not events yet: does media-door run? (--force closes the door anyway)`,
    )
  await allowed(url, async () => {
    await run(db, `drop database if exists ${name(door.name)} with (force)`)
    // The role's grants went with its database, and it owns nothing.
    await run(db, `drop role if exists ${name(door.name)}`)
    if (row.was_public) await run(db, `grant connect, temporary on database ${name(databaseIn(url))} to public`)
  })
  await db.query('door.forget', 'delete from log.door')
  await db.query('door.tell', `select pg_notify('${CHANNEL}', '')`)
}

async function waitingIn(url: string): Promise<number> {
  const door = openDb(url, { name: 'vidwiz cli', max: 1 })
  try {
    const [row] = await door.query<{ waiting: number }>(
      'entries.waiting',
      `select count(*) as waiting from kept.entries where state = 'new'`,
    )
    return row!.waiting
  } catch {
    return 0 // a door whose database cannot be read may be closed
  } finally {
    await door.close()
  }
}

/** Without a prepared statement: each runs once, and some cannot be prepared. */
const run = (db: Db, statement: string) => db.connection((client) => client.query(statement))

/** When Postgres refuses, tells which rights are missing. */
async function allowed<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (codeOf(error) !== NOT_ALLOWED) throw error
    const user = userIn(url)
    throw new OperatorError(
      `the user ${user} of DB_URL may not do that (${(error as Error).message}): it has to own the database and needs ` +
        `the rights to make roles and databases; let an administrator run: alter role ${name(user)} createrole createdb`,
      { cause: error },
    )
  }
}
