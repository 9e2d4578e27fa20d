-- What the projection engine keeps beside the views.
create schema views;

-- How far each consumer has come. `epoch` rises when somebody other than the owner changes
-- what the owner believes (a redrive, a swapped-in rebuild): its next compare-and-set fails.
create table log.checkpoints (
  consumer   text   not null,
  topic      text   not null,
  partition  int    not null,
  pos        bigint not null default 0,
  epoch      int    not null default 0,
  "offset"   bigint,                            -- of Kafka, beside the position
  moved_at   timestamptz not null default now(),
  primary key (consumer, topic, partition)
) with (fillfactor = 50);

-- Events that a consumer could not handle ('failed'), and the later events of their streams ('waiting').
create table log.dead_letters (
  consumer  text   not null,
  topic     text   not null,
  partition int    not null,
  stream    text   not null,
  pos       bigint not null,
  event     json   not null,                    -- envelope and payload as recorded
  state     text   not null check (state in ('failed', 'waiting', 'skipped')),
  cause     text,                               -- of a failure; for a skip, the reason given
  at        timestamptz not null default now(),
  primary key (consumer, pos)
);
create index dead_letters_by_stream on log.dead_letters (consumer, stream, pos);

-- Which version of each view is live.
create table log.views (
  view     text primary key,
  version  int  not null,
  built_at timestamptz not null default now()
);

-- Moves checkpoints by compare-and-set and tells who waits for them; the rest of the caller's transaction is the effect.
-- _moves: [{partition, epoch, seen, pos}], what the owner believes and where it wants to go.
--
-- A row that somebody else has locked counts as moved: the owner gives up at once instead of waiting, so who holds the
-- row (a redrive, a swap) may go on to lock the view's table without a deadlock.
-- The commit need not wait for the disk: after a crash view and checkpoint fall back together, and the log has it all.
create function log.advance(_consumer text, _topic text, _moves json) returns void language plpgsql as $$
declare
  _moved int;
begin
  perform set_config('synchronous_commit', 'off', true);

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
  if _moved > 0 then
    perform log.tell_checkpoints(_consumer, _topic, (select json_object_agg(m ->> 'partition', m -> 'pos') from json_array_elements(_moves) m));
  end if;
end $$;

-- Wakes who waits for a view: {consumer, topic, positions: {partition: pos}}.
create function log.tell_checkpoints(_consumer text, _topic text, _positions json) returns void language sql as $$
  select pg_notify('checkpoints', json_build_object('consumer', _consumer, 'topic', _topic, 'positions', _positions)::text)
$$;
