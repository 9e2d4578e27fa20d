-- Counters that the append transaction updates and that may have a limit, such as a user's messages in a day.
create table log.counters (
  name  text        primary key,
  value int         not null,
  until timestamptz not null                    -- not needed after this time
) with (fillfactor = 80);
create index counters_by_end on log.counters (until);
