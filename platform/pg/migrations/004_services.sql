-- Tables of single services.

-- Requests of each client in its current time window. Unlogged (no WAL), because the counts are worthless after a crash.
create schema limits;
create unlogged table limits.counts (
  key     text        primary key,
  hits    int         not null,
  ends_at timestamptz not null
) with (fillfactor = 50);
create index counts_by_end on limits.counts (ends_at);

-- Adds the hits that a process has counted since its last call, and returns the totals of all processes. Locks rows in the
-- order of their keys, so that processes cannot deadlock.
create function limits.count(_keys text[], _hits int[], _windows_ms int[])
returns table (key text, hits int, left_ms double precision)
language sql as $$
  insert into limits.counts as c (key, hits, ends_at)
  select n.key, n.hits, now() + n.window_ms * interval '1 ms'
    from unnest(_keys, _hits, _windows_ms) n(key, hits, window_ms)
   order by n.key
  on conflict (key) do update
     set hits    = excluded.hits + case when c.ends_at > now() then c.hits else 0 end,
         ends_at = case when c.ends_at > now() then c.ends_at else excluded.ends_at end
  returning c.key, c.hits, extract(epoch from c.ends_at - now()) * 1000
$$;

-- The door for media workers that cannot use HTTP is a separate database beside this one (docs/decisions/door.md). This table has a
-- row while the door is open.
create table log.door (
  one       boolean primary key default true check (one),
  database  text not null,
  opened_at timestamptz not null default now(),
  -- True when the role PUBLIC could connect to this database before the door was opened; closing the door restores that.
  was_public boolean not null,
  -- The jobs in the door's database: {video id: job id}. A job's message is sent only after the job is there.
  shows     json not null default '{}',
  shown_at  timestamptz
);

-- Sessions of the page for operators. `digest`: a session's id, hashed with the secret at the start of the session.
create table log.ops_sessions (
  digest   text        primary key,
  begun_at timestamptz not null,
  used_at  timestamptz not null
);
