-- What consumers stand on: checkpoints, parked events, owners, lag; and the views.
create schema views;

-- The checkpoints of each consumer. `epoch` rises when a process other than the owner changes the consumer's
-- state (a redrive, a rebuild swapped in), so that the owner's next compare-and-set fails.
create table log.checkpoints (
  consumer   text   not null,
  topic      text   not null,
  partition  int    not null,
  pos        bigint not null default 0,
  epoch      int    not null default 0,
  moved_at   timestamptz not null default now(),
  owner      uuid,                               -- the last process that took over, see log.owners
  primary key (consumer, topic, partition)
) with (fillfactor = 50);

-- Parked events: those that a consumer could not handle ('failed'), the later events of their streams ('waiting'), and those that
-- their consumer is to try again ('due').
-- `error`, `place`: the kind of the error and where in our code it occurred. `pattern`: the message without the parts that differ
-- between events. Parked events with one cause form a group; an event that only waits has no group.
create table log.dead_letters (
  consumer  text   not null,
  topic     text   not null,
  partition int    not null,
  stream    text   not null,
  pos       bigint not null,
  event     json   not null,                    -- envelope and payload as recorded
  state     text   not null check (state in ('failed', 'waiting', 'due', 'skipped')),
  cause     text,                               -- error message; for a skipped event, the operator's reason
  at        timestamptz not null default now(),
  error     text,
  place     text,
  pattern   text,
  redriven  int not null default 0,             -- how often a person has redriven the event
  group_id  text generated always as (
    case when error is not null or state = 'failed'
         then left(md5(coalesce(error, '') || chr(10) || coalesce(place, '') || chr(10) || coalesce(pattern, '')), 12) end) stored,
  primary key (consumer, pos)
);
create index dead_letters_by_stream on log.dead_letters (consumer, stream, pos);
-- Index to list groups without reading the events; the next one lists the streams of a group page by page.
create index dead_letters_stuck on log.dead_letters (consumer, stream, pos) include (topic, group_id, state, at, redriven) where state <> 'skipped';
create index dead_letters_by_group on log.dead_letters (group_id, consumer, stream) where state <> 'skipped';
create index dead_letters_due on log.dead_letters (consumer, pos) where state = 'due';

-- The live version of each view.
create table log.views (
  view     text primary key,
  version  int  not null,
  built_at timestamptz not null default now()
);

-- Moves checkpoints by compare-and-set and notifies the processes that wait for them. The caller writes the effect in the same
-- transaction.
-- _moves: [{partition, epoch, seen, pos, id}]: the owner's epoch, its current position, the new position, and the event's id there.
-- The log must have that event: a topic may contain records that the log never had, or has lost.
-- _rows: ids of the changed rows, for processes that watch single rows; null when they are unknown.
--
-- A row locked by another session counts as moved: the owner fails at once instead of waiting, so the session that holds the
-- row (a redrive, a swap) can also lock the view's table without a deadlock.
create function log.move_checkpoints(_consumer text, _topic text, _moves json, _rows json default null) returns void language plpgsql as $$
declare
  _moved int;
  _alien bigint;
begin
  select m.pos into _alien
    from json_to_recordset(_moves) m(pos bigint, id uuid)
    left join log.events e on e.pos = m.pos
   where m.id is not null and (e.id <> m.id or e.pos is null and log.is_beyond(m.pos))
   limit 1;
  if _alien is not null then
    raise exception using errcode = 'AHEAD',
      message = _topic || ' has an event at position ' || _alien || ' that is not in the log, which ends at ' || log.head();
  end if;

  with ours as materialized (
    select c.partition, m.pos
      from json_to_recordset(_moves) m(partition int, epoch int, seen bigint, pos bigint)
      join log.checkpoints c on c.consumer = _consumer and c.topic = _topic and c.partition = m.partition
                            and c.epoch = m.epoch and c.pos = m.seen
       for update of c skip locked),
  moved as (
    update log.checkpoints c set pos = ours.pos, moved_at = now() from ours
     where c.consumer = _consumer and c.topic = _topic and c.partition = ours.partition
    returning 1)
  select count(*) into _moved from moved;

  if _moved <> json_array_length(_moves) then
    raise exception using errcode = 'FENCE', message = 'the checkpoint of ' || _consumer || ' was moved by another owner';
  end if;
  if _moved > 0 or _rows is not null then
    perform log.tell_checkpoints(
      _consumer, _topic,
      coalesce((select json_object_agg(m ->> 'partition', m -> 'pos') from json_array_elements(_moves) m), '{}'),
      _rows);
  end if;
end $$;

-- The same, for an effect that can be derived from the log again: the commit does not wait for the disk, because a crash
-- reverts effect and checkpoint together.
create function log.advance(_consumer text, _topic text, _moves json, _rows json default null) returns void language plpgsql as $$
begin
  perform set_config('synchronous_commit', 'off', true);
  perform log.move_checkpoints(_consumer, _topic, _moves, _rows);
end $$;

-- Wakes processes that wait for a view: {consumer, topic, positions: {partition: pos}, rows: [id …]}; rows is null when any may have changed.
create function log.tell_checkpoints(_consumer text, _topic text, _positions json, _rows json default null)
returns void language sql as $$
  select pg_notify('checkpoints', json_build_object('consumer', _consumer, 'topic', _topic, 'positions', _positions, 'rows', _rows)::text)
$$;

-- For callers that cannot use a partial append: fails, and so rolls back, when log.append has left out a group.
create function log.all_or_nothing(_lost json) returns void language plpgsql as $$
begin
  if _lost is not null then
    raise exception using errcode = 'LOST0', message = 'others have written meanwhile', detail = _lost::text;
  end if;
end $$;

-- Running services; each start of a service has its own id. While its process lives, `beat_at` advances every few seconds and the
-- process holds the advisory lock `owner <id>`. Without the lock the process is gone; with the lock but without beats it is frozen.
create table log.owners (
  id         uuid        primary key,
  service    text        not null,
  host       text        not null,
  pid        int         not null,
  started_at timestamptz not null default now(),
  beat_at    timestamptz not null default now(),
  paused     json        not null default '{}'   -- {"<consumer> <topic>": {"cause", "since"}}, since in ms since the epoch
) with (fillfactor = 50);

-- Owners whose process lives: they hold the advisory lock `owner <id>`, which Postgres releases when their connection ends.
-- `backend` is the Postgres process that serves the connection. A living owner without recent beats is frozen.
create view log.living_owners as
  with locks as materialized (
    select pid, (classid::bigint << 32) | objid::bigint as key from pg_locks
     where locktype = 'advisory' and objsubid = 1 and granted
       and database = (select oid from pg_database where datname = current_database()))
  select o.*, l.pid as backend
    from log.owners o join locks l on l.key = hashtextextended('owner ' || o.id, 0);

-- The number of events of a partition up to a position, at every thousandth event. With these the number of events between any two
-- positions is found quickly.
create table log.milestones (
  topic     text   not null,
  partition int    not null,
  pos       bigint not null,
  events    bigint not null,
  primary key (topic, partition, pos)
);

-- The number of events of a partition up to a position. Counts at most a thousand events, plus those appended since the last
-- milestone was written.
create function log.events_up_to(_topic text, _partition int, _pos bigint) returns bigint language sql stable as $$
  select coalesce(m.events, 0) + (
           select count(*) from log.events e
            where (e.topic, e.partition, e.pos) > (_topic, _partition, coalesce(m.pos, 0))
              and (e.topic, e.partition, e.pos) <= (_topic, _partition, _pos))
    from (select) one
    left join lateral (
      select pos, events from log.milestones m where m.topic = _topic and m.partition = _partition and m.pos <= _pos
       order by m.pos desc limit 1) m on true
$$;

-- Checkpoints of consumers over time. Shows when an event was applied, with the precision of the time between two rows.
create table log.advances (
  consumer  text        not null,
  topic     text        not null,
  at        timestamptz not null default now(),
  owner     uuid,
  positions json        not null,                 -- {"<partition>": pos} of the partitions that moved
  primary key (consumer, topic, at)
);
create index advances_by_age on log.advances (at);

-- Replays: rebuilds, comparisons, and views at a past position. One row each, kept for some time after its end.
create table log.replays (
  id         uuid        primary key,             -- id of the operation
  act        text        not null,
  view       text        not null,
  who        text        not null,                -- requested it
  phase      text        not null default 'read',
  events     bigint      not null default 0,
  total      bigint      not null default 0,
  rate       float8      not null default 0,      -- events per second
  eta_ms     float8,
  started_at timestamptz not null default now(),
  beat_at    timestamptz not null default now(),
  cancelled  boolean     not null default false,  -- a person asked to cancel it
  ended_at   timestamptz,
  outcome    text,
  error      text,
  result     json
);
create index replays_by_start on log.replays (started_at);

-- Views at a past position: tables `views."<view>~at-<id>"`.
create table log.past_views (
  id         text        primary key,
  view       text        not null,
  version    int         not null,
  pos        bigint      not null,
  at         timestamptz,                         -- the requested time, if any
  rows       bigint      not null,
  events     bigint      not null,
  made_by    text        not null,
  made_at    timestamptz not null default now()
);
