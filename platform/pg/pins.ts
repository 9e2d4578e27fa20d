import pg from 'pg'

/** Settings that differ between connections. */
export interface Manner {
  /** False only for data that can be derived again, such as views: a crash of the server may then lose the last commits. */
  durable?: boolean
  /**
   * True where every statement can use an index. A prepared statement keeps its plan, even one made while the tables were empty,
   * which scans them; this setting rules such plans out. It also rules out parallel workers: on a busy machine starting them takes
   * longer than the statement.
   */
  indexed?: boolean
}

/**
 * The settings that our statements and the parsing of their answers depend on. A role, a database or a server may have other
 * defaults. Settings that only tune (memory, costs, tablespaces) stay as they are, and so does a deliberate read-only default.
 */
const PINNED: Readonly<Record<string, string>> = {
  // Names: our statements qualify every table and function with its schema.
  search_path: 'pg_catalog',
  // Transactions: append and the projector read again after they waited for a lock; only read committed shows them the new rows.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  session_replication_role: 'origin',
  row_security: 'on',
  restrict_nonsystem_relation_kind: '',
  // Limits: code that needs one sets it for its own statements.
  statement_timeout: '0',
  lock_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  // Text form of identifiers and values.
  quote_all_identifiers: 'off',
  client_encoding: 'UTF8',
  TimeZone: 'UTC',
  timezone_abbreviations: 'Default',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  default_text_search_config: 'pg_catalog.simple',
  // Meaning of statements.
  standard_conforming_strings: 'on',
  backslash_quote: 'safe_encoding',
  array_nulls: 'on',
  transform_null_equals: 'off',
  check_function_bodies: 'on',
  default_table_access_method: 'heap',
  gin_fuzzy_search_limit: '0',
  client_min_messages: 'notice',
  exit_on_error: 'off',
  // Plans.
  plan_cache_mode: 'auto',
  jit: 'off',
  force_parallel_mode: 'off',
  debug_parallel_query: 'off',
  enable_async_append: 'on',
  enable_bitmapscan: 'on',
  enable_distinct_reordering: 'on',
  enable_gathermerge: 'on',
  enable_group_by_reordering: 'on',
  enable_hashagg: 'on',
  enable_hashjoin: 'on',
  enable_incremental_sort: 'on',
  enable_indexonlyscan: 'on',
  enable_indexscan: 'on',
  enable_material: 'on',
  enable_memoize: 'on',
  enable_mergejoin: 'on',
  enable_nestloop: 'on',
  enable_parallel_append: 'on',
  enable_parallel_hash: 'on',
  enable_partition_pruning: 'on',
  enable_partitionwise_aggregate: 'off',
  enable_partitionwise_join: 'off',
  enable_presorted_aggregate: 'on',
  enable_self_join_elimination: 'on',
  enable_seqscan: 'on',
  enable_sort: 'on',
  enable_tidscan: 'on',
}

/** What a new connection reports about its server. */
export interface Look {
  /** Process id of the backend that answers. */
  pid: number
  standby: boolean
  encoding: string
}

/** The settings to pin on a connection, by name. */
export const pinsOf = ({ durable = true, indexed = false }: Manner): Record<string, string> => ({
  ...PINNED,
  synchronous_commit: durable ? 'on' : 'off',
  ...(indexed ? { enable_seqscan: 'off', max_parallel_workers_per_gather: '0' } : {}),
})

/**
 * SQL that inspects a session and pins its settings, in one message. Poolers refuse settings in the startup message, but pass on
 * statements. Names carry their schema, since the search path is not pinned yet. A statement_timeout of the session may be too short
 * for this statement, so it is lifted first, and only for this message, because the session may belong to another client of a pooler.
 * @param only process id of the one backend whose settings may be changed; another backend answers without changing its session
 * @returns text for the simple protocol; its last result is one Look
 */
export function lookAndPin(pins: Record<string, string>, only?: number): string {
  const rows = Object.entries(pins).map(([name, value]) => `(${pg.escapeLiteral(name)}, ${pg.escapeLiteral(value)})`)
  const here = only === undefined ? 'true' : `pg_catalog.pg_backend_pid() operator(pg_catalog.=) ${only}`
  return `set local statement_timeout = 0; select pg_catalog.pg_backend_pid() as pid, pg_catalog.pg_is_in_recovery() as standby,
      pg_catalog.current_setting('server_encoding') as encoding,
      (select pg_catalog.count(pg_catalog.set_config(pin.name, pin.value, false))
        from (values ${rows.join(', ')}) as pin (name, value)
        -- A setting that this version does not have is null.
        where ${here} and (pg_catalog.current_setting(pin.name, true) operator(pg_catalog.<>) pin.value
            -- What is lifted for this message looks as if it were pinned.
            or pin.name operator(pg_catalog.=) 'statement_timeout')
          -- A synchronous commit that waits for other servers as well, or for none, is the choice of who runs the server.
          and (pin.name operator(pg_catalog.<>) 'synchronous_commit' or 'off'::pg_catalog.text operator(pg_catalog.=) any (array[pin.value, pg_catalog.current_setting(pin.name, true)]))
      ) as pinned`
}
