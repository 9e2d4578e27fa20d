-- The log of events, and the tables that an append writes in the same transaction.
create schema log;

create table log.events (
  pos            bigint  primary key,          -- commit-ordered: see log.append
  topic          text    not null,
  partition      int     not null,
  key            text    not null,
  stream         text    not null,
  version        int     not null,
  id             uuid    not null,
  type           text    not null,
  schema         int     not null,
  time           bigint  not null,             -- milliseconds since the epoch
  actor          text,
  correlation_id text,
  causation_id   text,
  traceparent    text,
  data           json    not null,             -- json, not jsonb: keeps the exact text
  unique (stream, version)
);
create index events_by_partition on log.events (topic, partition, pos);

-- Indexes to find all events of a request, or the effects of an event. People look these up rarely, so an append must not pay for
-- them. A B-tree on correlation ids would cost an append a fifth of its speed. These BRIN summaries, one per megabyte of the table,
-- have no measurable cost, and a look-up reads them and a few megabytes instead of the whole table. Event ids rise with time, so
-- their minimum and maximum are enough.
create index events_by_correlation on log.events using brin (correlation_id text_bloom_ops) with (autosummarize = on);
create index events_by_id on log.events using brin (id uuid_minmax_ops) with (autosummarize = on);

-- Indexes to find the events of a trace in the same way. Few events contain ids of queue messages, so these have a partial B-tree.
create index events_by_trace on log.events using brin (substr(traceparent, 4, 32) text_bloom_ops) with (autosummarize = on);
create index events_by_message on log.events ((data ->> 'messageId')) where type in ('JobDispatched', 'MediaProcessingDispatched');

-- Snapshots: the state of a stream is stored from time to time, so that a decision need not read all events of the stream. After a
-- snapshot it is folded from the later events.
create table log.snapshots (
  stream        text primary key,
  version       int  not null,
  state_version int  not null,
  state         json
) with (fillfactor = 80);

-- Each row makes a value unique, such as an e-mail or a Google id.
create table log.reservations (
  kind  text not null,
  value text not null,
  owner text not null,
  primary key (kind, value)
);

-- Password hashes and other credentials: never in events, but written in the same transaction.
create table log.credentials (
  owner text not null,
  kind  text not null,
  value text not null,
  primary key (owner, kind)
);

-- Stored results by idempotency key: a repeated key gives the same answer and no second event.
create table log.idempotency_keys (
  scope       text not null,
  key         text not null,
  fingerprint text not null,
  kept        json not null,                   -- {result, events: [{stream, version}]}
  at          timestamptz not null default now(),
  primary key (scope, key)
);
create index idempotency_keys_by_age on log.idempotency_keys (at);

-- Counters that the append transaction updates and that may have a limit, such as a user's messages in a day.
create table log.counters (
  name  text        primary key,
  value int         not null,
  until timestamptz not null                    -- not needed after this time
) with (fillfactor = 80);
create index counters_by_end on log.counters (until);

-- After a restore from a backup the log has gone back in time: topics, clients and processes know events that it no longer has. The
-- following tables and functions detect that, and let the system go on safely. See docs/decisions/timeline.md.

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
insert into log.timeline default values;

-- One row for each restore of the log: events after `head` and up to `floor` are lost.
create table log.restorations (
  epoch int         primary key,                -- epoch that began with the restore
  at    timestamptz not null default now(),
  head  bigint      not null,
  floor bigint      not null
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

-- Stops all appends until an operator runs `vidwiz restored`. The first reason stays.
create function log.halt(_why text) returns void language plpgsql as $$
begin
  update log.timeline set halted = _why, halted_at = now() where halted is null;
  if found then
    perform pg_notify('timeline', '');
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
create function log.append(
  _known bigint,
  s_group int[], s_stream text[], s_expected int[],
  e_group int[], e_topic text[], e_partition int[], e_key text[], e_stream text[], e_version int[], e_id uuid[], e_type text[],
  e_schema int[], e_time bigint[], e_actor text[], e_correlation text[], e_causation text[], e_traceparent text[], e_data json,
  _snapshots json, _reservations json, _credentials json, _idempotency_keys json, _counts json)
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

  if _head <> _known or json_array_length(_reservations) + json_array_length(_idempotency_keys) + json_array_length(_counts) > 0 then
    with broken as (
      -- What was pruned is covered by a snapshot: the newest version is that of the one or of the other.
      select s.g, 'stale' as reason, s.stream as a, null as b
        from unnest(s_group, s_stream, s_expected) s(g, stream, expected)
        left join log.snapshots h on h.stream = s.stream
        left join lateral (select e.version from log.events e where e.stream = s.stream order by e.version desc limit 1) e on true
       where _head <> _known and greatest(h.version, e.version, 0) <> s.expected
      union all
      select c.g, 'taken', c.kind, c.value
        from json_to_recordset(_reservations) c(g int, kind text, value text, owner text)
        join log.reservations h on h.kind = c.kind and h.value = c.value
       where c.owner is not null and h.owner <> c.owner
      union all
      select k.g, 'used', k.scope, k.key
        from json_to_recordset(_idempotency_keys) k(g int, scope text, key text)
        join log.idempotency_keys h on h.scope = k.scope and h.key = k.key
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

  if json_array_length(_reservations) > 0 then
    delete from log.reservations h using json_to_recordset(_reservations) c(g int, kind text, value text, owner text)
     where c.owner is null and h.kind = c.kind and h.value = c.value and c.g <> all (_lost);
    insert into log.reservations (kind, value, owner)
    select c.kind, c.value, c.owner from json_to_recordset(_reservations) c(g int, kind text, value text, owner text)
     where c.owner is not null and c.g <> all (_lost)
       and not exists (select from log.reservations h where h.kind = c.kind and h.value = c.value);
  end if;

  if json_array_length(_credentials) > 0 then
    delete from log.credentials h using json_to_recordset(_credentials) c(g int, owner text, kind text, value text)
     where c.value is null and h.owner = c.owner and h.kind = c.kind and c.g <> all (_lost);
    insert into log.credentials (owner, kind, value)
    select c.owner, c.kind, c.value from json_to_recordset(_credentials) c(g int, owner text, kind text, value text)
     where c.value is not null and c.g <> all (_lost)
    on conflict (owner, kind) do update set value = excluded.value;
  end if;

  if json_array_length(_idempotency_keys) > 0 then
    insert into log.idempotency_keys (scope, key, fingerprint, kept)
    select k.scope, k.key, k.fingerprint, k.kept from json_to_recordset(_idempotency_keys) k(g int, scope text, key text, fingerprint text, kept json)
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
