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

-- The position after which the database has every event: 0, or what is published once events were pruned.
create function log.whole_after() returns bigint language sql stable as $$
  select case when t.pruned then r.pos else 0 end from log.timeline t, log.relay r
$$;

-- How many events are gone from the middle of the log. Events that were given up and brought back are not gone.
create function log.gone() returns bigint language sql stable as $$
  select greatest(0, coalesce((select max(pos) from log.events), w.after) - w.after
           - (select count(*) from log.events where pos > w.after)
           - (select coalesce(sum(upper(r) - lower(r)), 0)::bigint
                from unnest(log.left_out() * int8multirange(int8range(w.after + 1, null))) r)
           + (select count(*) from log.given_up g join log.events e on e.pos between g.first and g.last where e.pos > w.after))
    from (select log.whole_after() as after) w
$$;

-- Where they are, between two positions that have events, or from the beginning: ranges of positions, the first ones of them. Reads
-- the index from _after on.
create function log.gaps(_most int, _after bigint default log.whole_after(), _up_to bigint default 9007199254740991)
returns table (first bigint, last bigint) language sql stable as $$
  select lower(r), upper(r) - 1
    from (select pos, lag(pos, 1, _after) over (order by pos) as before from log.events where pos > _after and pos <= _up_to) e,
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
