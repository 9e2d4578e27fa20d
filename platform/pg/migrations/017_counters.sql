-- A number that is kept in the append transaction and may have a bound: how many messages somebody sent in a day.
create table log.counters (
  name  text        primary key,
  value int         not null,
  until timestamptz not null                    -- nobody asks for it after this
) with (fillfactor = 80);
create index counters_by_end on log.counters (until);
