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
