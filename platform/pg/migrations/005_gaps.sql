-- Positions of the log have no gaps, so an event that somebody deleted by hand leaves one. See docs/decisions/timeline.md.

-- Positions whose events are gone and which an operator gave up (`vidwiz restored`): replays leave them out.
create table log.given_up (
  first bigint primary key,
  last  bigint not null,
  epoch int    not null
);

-- Positions up to the last event that rightly have none: those left out when the log was restored, and those given up.
create function log.left_out() returns int8multirange language sql stable as $$
  select coalesce(range_agg(r.span), '{}') * int8multirange(int8range(1, (select coalesce(max(pos), 0) + 1 from log.events)))
    from (select int8range(head, floor, '(]') as span from log.restorations
          union all select int8range(first, last, '[]') from log.given_up) r
$$;

-- How many events are gone from the middle of the log. 0 when events were pruned: then Kafka has them, and nobody can tell.
create function log.gone() returns bigint language sql stable as $$
  select case when (select pruned from log.timeline) then 0
              else greatest(0, coalesce(max(pos), 0) - count(*)
                   - (select coalesce(sum(upper(r) - lower(r)), 0)::bigint from unnest(log.left_out()) r)) end
    from log.events
$$;

-- Where they are: ranges of positions, the first ones of them. Reads the whole index, so it is for the case that `gone` is not 0.
create function log.gaps(_most int) returns table (first bigint, last bigint) language sql stable as $$
  select lower(r), upper(r) - 1
    from (select pos, lag(pos, 1, 0::bigint) over (order by pos) as before from log.events) e,
         unnest(int8multirange(int8range(before + 1, pos, '[)')) - log.left_out()) r
   where e.pos > e.before + 1 order by 1 limit _most
$$;

-- True; raises when the log ends before a position that this process has seen: it lost its newest events.
create function log.saw(_seen bigint) returns boolean language plpgsql stable as $$
begin
  if _seen > log.head() then
    raise exception using errcode = 'BACK0',
      message = 'a process has seen position ' || _seen || ', but the log ends at ' || log.head();
  end if;
  return true;
end $$;
