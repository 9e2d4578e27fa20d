-- Replaced by 021_snapshots.sql.
--
-- Appends groups of commands in one round trip. A group with an outdated premise is left out as a whole; the result has the reason.
--
-- Streams and events are passed as columns, which Postgres parses faster than JSON rows. All payloads and all states are one JSON
-- array each, which avoids the quoting of array elements. The other, rare parameters are JSON rows.
-- The first column of each is the number of the row's group.
-- One advisory lock makes position order equal commit order, so that a reader can simply ask for pos > last.
-- The planner settings rule out a cached plan from the time when the tables were empty, which would always scan them.
create function log.append(
  s_group int[], s_stream text[], s_expected int[], s_version int[], s_state_version int[], s_state json,
  e_group int[], e_topic text[], e_partition int[], e_key text[], e_stream text[], e_version int[], e_id uuid[], e_type text[],
  e_schema int[], e_time bigint[], e_actor text[], e_correlation text[], e_causation text[], e_traceparent text[], e_data json,
  _claims json, _credentials json, _keys json, _counts json)
returns table (head bigint, lost json)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  _head bigint;
  _lost int[];
  _why  json;
begin
  perform pg_advisory_xact_lock(7001);

  with broken as (
    select s.g, 'stale' as reason, s.stream as a, null as b
      from unnest(s_group, s_stream, s_expected) s(g, stream, expected)
      left join log.streams h on h.stream = s.stream
     where coalesce(h.version, 0) <> s.expected
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

  select coalesce(max(pos), 0) into _head from log.events;

  insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, causation_id, traceparent, data)
  select _head + row_number() over (order by e.n), e.topic, e.partition, e.key, e.stream, e.version, e.id, e.type, e.schema, e.time,
         e.actor, e.correlation_id, e.causation_id, e.traceparent, e.data
    from rows from (
           unnest(e_group, e_topic, e_partition, e_key, e_stream, e_version, e_id, e_type, e_schema, e_time,
                  e_actor, e_correlation, e_causation, e_traceparent),
           json_array_elements(e_data)) with ordinality
         e(g, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, causation_id, traceparent, data, n)
   where e.g <> all (_lost);

  insert into log.streams (stream, version, state_version, state)
  select s.stream, s.version, s.state_version, s.state
    from rows from (unnest(s_group, s_stream, s_version, s_state_version), json_array_elements(s_state))
         s(g, stream, version, state_version, state)
   where s.version is not null and s.g <> all (_lost)
  on conflict (stream) do update set version = excluded.version, state_version = excluded.state_version, state = excluded.state;

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
