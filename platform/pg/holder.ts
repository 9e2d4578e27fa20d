/** The session that holds a lock. Fields are null when our role may not see the session's details. */
export interface Holder {
  pid: number
  application: string | null
  /** Also null for a Unix socket. */
  address: string | null
  /** When the session connected, in Postgres's text format. */
  since: string | null
}

/** SQL for the holders of locks; its parameter is an array of lock keys. */
export const HOLDERS = `
  select wanted.key, l.pid, a.application_name as application, host(a.client_addr) as address, a.backend_start::text as since
    from unnest($1::text[]) as wanted (key)
    join pg_locks l on l.locktype = 'advisory' and l.objsubid = 1 and l.granted
      and (l.classid::bigint << 32) | l.objid::bigint = hashtextextended(wanted.key, 0)
      and l.database = (select oid from pg_database where datname = current_database())
    left join pg_stat_activity a on a.pid = l.pid`

/** Describes a holder for messages. */
export const inWords = ({ pid, application, address, since }: Holder): string =>
  `process ${pid} of Postgres${application ? ` (${application})` : ''}${address ? `, connected from ${address}` : ''}${since ? ` since ${since}` : ''}`
