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
