-- Tables and functions of the projection engine.
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
  primary key (consumer, topic, partition)
) with (fillfactor = 50);

-- Parked events: those that a consumer could not handle ('failed'), and the later events of their streams ('waiting').
create table log.dead_letters (
  consumer  text   not null,
  topic     text   not null,
  partition int    not null,
  stream    text   not null,
  pos       bigint not null,
  event     json   not null,                    -- envelope and payload as recorded
  state     text   not null check (state in ('failed', 'waiting', 'skipped')),
  cause     text,                               -- error message; for a skipped event, the operator's reason
  at        timestamptz not null default now(),
  primary key (consumer, pos)
);
create index dead_letters_by_stream on log.dead_letters (consumer, stream, pos);

-- The live version of each view.
create table log.views (
  view     text primary key,
  version  int  not null,
  built_at timestamptz not null default now()
);

-- Moves checkpoints by compare-and-set and notifies the processes that wait for them. The caller writes the effect in the same
-- transaction.
-- _moves: [{partition, epoch, seen, pos}]: the owner's epoch, its current position, and the new position.
-- _rows: ids of the changed rows, for processes that watch single rows; null when they are unknown.
--
-- A row locked by another session counts as moved: the owner fails at once instead of waiting, so the session that holds the
-- row (a redrive, a swap) can also lock the view's table without a deadlock.
create function log.move_checkpoints(_consumer text, _topic text, _moves json, _rows json default null) returns void language plpgsql as $$
declare
  _moved int;
begin
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
