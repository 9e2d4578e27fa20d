-- Tables with which people watch a running system.

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

-- The last owner that took over the checkpoint; null for checkpoints older than this column.
alter table log.checkpoints add column owner uuid;
alter table log.relay add column owner uuid;

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

-- The kind of an error and where in our code it occurred, to distinguish causes; and how often a person has redriven the event.
-- `pattern`: the error message without the parts that differ between events. Parked events with one cause form a group; an event
-- that only waits has no group.
alter table log.dead_letters
  add column error   text,
  add column place   text,
  add column pattern text,
  add column redriven int not null default 0,
  add column group_id text generated always as (
    case when error is not null or state = 'failed'
         then left(md5(coalesce(error, '') || chr(10) || coalesce(place, '') || chr(10) || coalesce(pattern, '')), 12) end) stored;
-- Index to list groups without reading the events; the next one lists the streams of a group page by page.
create index dead_letters_stuck on log.dead_letters (consumer, stream, pos) include (topic, group_id, state, at, redriven) where state <> 'skipped';
create index dead_letters_by_group on log.dead_letters (group_id, consumer, stream) where state <> 'skipped';
create index dead_letters_due on log.dead_letters (consumer, pos) where state = 'due';

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

-- Sessions of the page for operators. `digest`: a session's id, hashed with the secret at the start of the session.
create table log.ops_sessions (
  digest   text        primary key,
  begun_at timestamptz not null,
  used_at  timestamptz not null
);

-- Indexes to find the events of a trace, as of a request (022): BRIN summaries cost an append little (bench/README.md). Few events
-- contain ids of queue messages, so these have a partial B-tree.
create index events_by_trace on log.events using brin (substr(traceparent, 4, 32) text_bloom_ops) with (autosummarize = on);
create index events_by_message on log.events ((data ->> 'messageId')) where type in ('JobDispatched', 'MediaProcessingDispatched');
