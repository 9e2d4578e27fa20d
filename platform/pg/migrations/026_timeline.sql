-- After a restore from a backup the log has gone back in time: topics, clients and processes know events that it no longer has. These
-- tables and functions detect that, and let the system go on safely. See docs/decisions/timeline.md.

-- The identity of this log. `id` never changes; `epoch` rises each time that the log is restored.
-- `floor`: positions up to here were assigned before the log was restored and are never assigned again.
-- `halted`: why nothing may be appended; null when appending is allowed.
create table log.timeline (
  one       boolean     primary key default true check (one),
  id        uuid        not null default gen_random_uuid(),
  epoch     int         not null default 1,
  floor     bigint      not null default 0,
  halted    text,
  halted_at timestamptz,
  pruned    boolean     not null default false     -- events that Kafka has were deleted from the database
);
insert into log.timeline (pruned) select count(*) < coalesce(max(pos), 0) from log.events;

-- One row for each restore of the log: events after `head` and up to `floor` are lost.
create table log.restorations (
  epoch int         primary key,                -- epoch that began with the restore
  at    timestamptz not null default now(),
  head  bigint      not null,
  floor bigint      not null
);

-- Records in Kafka that are not events of this log: readers skip them.
create table log.voided (
  topic        text   not null,
  partition    int    not null,
  first_offset bigint not null,
  last_offset  bigint not null,
  epoch        int    not null,
  primary key (topic, partition, first_offset)
);

-- The last position that was assigned.
create function log.head() returns bigint language sql stable as $$
  select greatest((select max(pos) from log.events), (select floor from log.timeline))
$$;

-- True when a position is after the last event, or among the positions that were lost in a restore. At any other position without an
-- event, the event was pruned, and Kafka has it.
create function log.is_beyond(_pos bigint) returns boolean language sql stable as $$
  select _pos > coalesce((select max(pos) from log.events), 0)
      or exists (select from log.restorations r where r.head < _pos and _pos <= r.floor)
$$;

-- As in 020_relay.sql, but the head of a partition never goes back while events are published again.
create or replace function log.published(_epoch int, _seen bigint, _pos bigint, _heads json) returns void language plpgsql as $$
begin
  update log.relay set pos = _pos, moved_at = now() where epoch = _epoch and pos = _seen;
  if not found then
    raise exception using errcode = 'FENCE', message = 'another relay has taken over';
  end if;
  insert into log.offsets (topic, partition, run, pos, "offset")
  select h.topic, h.partition, h."offset" / 1000, h.pos, h."offset"
    from json_to_recordset(_heads) h(topic text, partition int, pos bigint, "offset" bigint)
   where not exists (
     select from log.offsets o where o.topic = h.topic and o.partition = h.partition and o.run = h."offset" / 1000 and o.pos > h.pos)
  on conflict (topic, partition, run) do update set pos = excluded.pos, "offset" = excluded."offset";
end $$;

-- Stops all appends until an operator runs `vidwiz restored`. The first reason stays.
create function log.halt(_why text) returns void language plpgsql as $$
begin
  update log.timeline set halted = _why, halted_at = now() where halted is null;
  if found then
    perform pg_notify('timeline', '');
  end if;
end $$;

-- Moves checkpoints by compare-and-set and notifies the processes that wait for them. The caller writes the effect in the same
-- transaction.
-- _moves: [{partition, epoch, seen, pos, id}]: the owner's epoch, its current position, the new position, and the event's id there.
-- The log must have that event: a topic may contain records that the log never had, or has lost.
-- _rows: ids of the changed rows, for processes that watch single rows; null when they are unknown.
--
-- A row locked by another session counts as moved: the owner fails at once instead of waiting, so the session that holds the
-- row (a redrive, a swap) can also lock the view's table without a deadlock.
create or replace function log.move_checkpoints(_consumer text, _topic text, _moves json, _rows json default null) returns void language plpgsql as $$
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

-- Appends groups of commands in one round trip. A group with an outdated premise is left out as a whole; the result has the reason.
--
-- _known: log position at which all versions that the groups read were current. When it is still the head of the log, no stream
-- can be stale; otherwise each one is looked up. When it lies beyond the head, the log has lost its newest events.
--
-- Streams and events are passed as columns, which Postgres parses faster than JSON rows. All payloads are one JSON array, which
-- avoids the quoting of array elements. The other, rare parameters are JSON rows.
-- The first column of each is the number of the row's group.
-- One advisory lock makes position order equal commit order, so that a reader can simply ask for pos > last.
-- The planner settings rule out a cached plan from the time when the tables were empty, which would always scan them.
create or replace function log.append(
  _known bigint,
  s_group int[], s_stream text[], s_expected int[],
  e_group int[], e_topic text[], e_partition int[], e_key text[], e_stream text[], e_version int[], e_id uuid[], e_type text[],
  e_schema int[], e_time bigint[], e_actor text[], e_correlation text[], e_causation text[], e_traceparent text[], e_data json,
  _snapshots json, _claims json, _credentials json, _keys json, _counts json)
returns table (head bigint, lost json)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  _head bigint;
  _lost int[] = '{}';
  _why  json;
  _halted text;
begin
  perform pg_advisory_xact_lock(7001);
  select log.head(), t.halted into _head, _halted from log.timeline t;
  if _halted is not null then
    raise exception using errcode = 'HALT0', message = _halted;
  end if;
  if _known > _head then
    raise exception using errcode = 'BACK0',
      message = 'a process has appended up to position ' || _known || ', but the log ends at ' || _head;
  end if;

  if _head <> _known or json_array_length(_claims) + json_array_length(_keys) + json_array_length(_counts) > 0 then
    with broken as (
      -- What was pruned is covered by a snapshot: the newest version is that of the one or of the other.
      select s.g, 'stale' as reason, s.stream as a, null as b
        from unnest(s_group, s_stream, s_expected) s(g, stream, expected)
        left join log.snapshots h on h.stream = s.stream
        left join lateral (select e.version from log.events e where e.stream = s.stream order by e.version desc limit 1) e on true
       where _head <> _known and greatest(h.version, e.version, 0) <> s.expected
      union all
      select c.g, 'taken', c.kind, c.value
        from json_to_recordset(_claims) c(g int, kind text, value text, owner text)
        join log.claims h on h.kind = c.kind and h.value = c.value
       where c.owner is not null and h.owner <> c.owner
      union all
      select k.g, 'used', k.scope, k.key
        from json_to_recordset(_keys) k(g int, scope text, key text)
        join log.keys h on h.scope = k.scope and h.key = k.key
      union all
      select c.g, 'over', c.name, null
        from json_to_recordset(_counts) c(g int, name text, add int, most int)
        left join log.counters h on h.name = c.name
       where coalesce(h.value, 0) + c.add > c.most
    )
    select coalesce(array_agg(distinct g), '{}'), json_agg(json_build_array(g, reason, a, b)) into _lost, _why from broken;
  end if;

  insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, causation_id, traceparent, data)
  select _head + row_number() over (order by e.n), e.topic, e.partition, e.key, e.stream, e.version, e.id, e.type, e.schema, e.time,
         e.actor, e.correlation_id, e.causation_id, e.traceparent, e.data
    from rows from (
           unnest(e_group, e_topic, e_partition, e_key, e_stream, e_version, e_id, e_type, e_schema, e_time,
                  e_actor, e_correlation, e_causation, e_traceparent),
           json_array_elements(e_data)) with ordinality
         e(g, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, causation_id, traceparent, data, n)
   where e.g <> all (_lost);

  if json_array_length(_snapshots) > 0 then
    insert into log.snapshots (stream, version, state_version, state)
    select s.stream, s.version, s."stateVersion", s.state
      from json_to_recordset(_snapshots) s(g int, stream text, version int, "stateVersion" int, state json)
     where s.g <> all (_lost)
    on conflict (stream) do update set version = excluded.version, state_version = excluded.state_version, state = excluded.state;
  end if;

  if json_array_length(_claims) > 0 then
    delete from log.claims h using json_to_recordset(_claims) c(g int, kind text, value text, owner text)
     where c.owner is null and h.kind = c.kind and h.value = c.value and c.g <> all (_lost);
    insert into log.claims (kind, value, owner)
    select c.kind, c.value, c.owner from json_to_recordset(_claims) c(g int, kind text, value text, owner text)
     where c.owner is not null and c.g <> all (_lost)
       and not exists (select from log.claims h where h.kind = c.kind and h.value = c.value);
  end if;

  if json_array_length(_credentials) > 0 then
    delete from log.credentials h using json_to_recordset(_credentials) c(g int, owner text, kind text, value text)
     where c.value is null and h.owner = c.owner and h.kind = c.kind and c.g <> all (_lost);
    insert into log.credentials (owner, kind, value)
    select c.owner, c.kind, c.value from json_to_recordset(_credentials) c(g int, owner text, kind text, value text)
     where c.value is not null and c.g <> all (_lost)
    on conflict (owner, kind) do update set value = excluded.value;
  end if;

  if json_array_length(_keys) > 0 then
    insert into log.keys (scope, key, fingerprint, kept)
    select k.scope, k.key, k.fingerprint, k.kept from json_to_recordset(_keys) k(g int, scope text, key text, fingerprint text, kept json)
     where k.g <> all (_lost);
  end if;

  if json_array_length(_counts) > 0 then
    -- No name comes twice: of one round only one command may count on it.
    update log.counters h set value = greatest(h.value + c.add, 0)
      from json_to_recordset(_counts) c(g int, name text, add int)
     where h.name = c.name and c.g <> all (_lost);
    insert into log.counters (name, value, until)
    select c.name, c.add, to_timestamp(c.until / 1000.0) from json_to_recordset(_counts) c(g int, name text, add int, until bigint)
     where c.add > 0 and c.g <> all (_lost)
    on conflict do nothing;
  end if;

  -- At most one per batch, for NOTIFY takes a lock of its own at commit; it names the topics, so that others sleep on.
  perform pg_notify('log', coalesce((select string_agg(distinct topic, ' ') from unnest(e_topic) t(topic)), ''));
  return query select _head, _why;
end $$;
