-- What has been published to Kafka.

-- How far the relay has published the log to Kafka. `epoch` is a fencing epoch: it rises when another relay takes over.
create table log.relay (
  one      boolean primary key default true check (one),
  pos      bigint  not null default 0,
  epoch    int     not null default 0,
  moved_at timestamptz not null default now(),
  owner    uuid                                  -- the process that took over last, see log.owners
);
insert into log.relay default values;

-- Maps log positions to Kafka offsets: the last event published in each run of 1000 offsets of a partition. The newest row of a
-- partition is its head. A reader that looks for events after a position starts after the nearest row before it. Without a row
-- it starts at the beginning of the partition, so this table only saves time.
create table log.offsets (
  topic     text   not null,
  partition int    not null,
  run       bigint not null,
  pos       bigint not null,
  "offset"  bigint not null,
  primary key (topic, partition, run)
) with (fillfactor = 50);
create index offsets_by_pos on log.offsets (topic, partition, pos);

-- Moves the relay's position by compare-and-set and stores the offsets of its last events. _heads: [{topic, partition, pos, offset}].
-- The head of a partition never goes back while events are published again.
create function log.published(_epoch int, _seen bigint, _pos bigint, _heads json) returns void language plpgsql as $$
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

-- Records in Kafka that are not events of this log: readers skip them.
create table log.voided (
  topic        text   not null,
  partition    int    not null,
  first_offset bigint not null,
  last_offset  bigint not null,
  epoch        int    not null,
  primary key (topic, partition, first_offset)
);
