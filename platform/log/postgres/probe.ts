import type { Queryable } from '#platform/pg/pool.ts'

/** Shorter than the caller waits for the answer. An append holds these locks for milliseconds. */
const LOCK_MS = 700

/**
 * Takes the locks of an append and commits like one: to disk, and to standbys if they are required. Writes only a message of a few
 * bytes to the WAL, which nobody reads. A lock needs fewer rights than an insert, so those are looked up.
 */
const PROBE = `do $$ begin
  if current_setting('transaction_read_only')::boolean then
    raise exception 'the database is read-only' using errcode = 'read_only_sql_transaction';
  end if;
  if exists (select from log.timeline where halted is not null) then
    raise exception using errcode = 'HALT0', message = 'the log is halted';
  end if;
  if not (has_table_privilege('log.events', 'select') and has_table_privilege('log.events', 'insert') and (
    select bool_and(has_function_privilege(oid, 'execute')) from pg_proc where pronamespace = 'log'::regnamespace and proname = 'append')) then
    raise exception 'our role may not append' using errcode = 'insufficient_privilege';
  end if;
  perform set_config('lock_timeout', '${LOCK_MS}', true);
  lock table log.events, log.snapshots, log.reservations, log.credentials, log.idempotency_keys, log.counters in row exclusive mode;
  perform pg_advisory_xact_lock(7001);
  perform pg_logical_emit_message(true, 'vidwiz', '');
end $$`

/** Resolves when the database would take an append; rejects with what prevents it. */
export const probeAppend = async (db: Queryable): Promise<void> => {
  await db.query('log.probe', PROBE)
}
