-- How often each client has asked in its present window of time. Worth nothing after a crash, so nothing is written ahead.
create schema limits;
create unlogged table limits.counts (
  key     text        primary key,
  hits    int         not null,
  ends_at timestamptz not null
) with (fillfactor = 50);
create index counts_by_end on limits.counts (ends_at);

-- Adds up what a process has counted since it last asked, and tells what all have counted together. Rows are always
-- locked in the order of their keys, so that processes never wait for each other in a circle.
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
