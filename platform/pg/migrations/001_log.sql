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

-- The folded state of each stream, so that a decision need not read the stream's events.
create table log.streams (
  stream        text primary key,
  version       int  not null,
  state_version int  not null,
  state         json
) with (fillfactor = 80);

-- Each row makes a value unique, such as an e-mail or a Google id.
create table log.claims (
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
create table log.keys (
  scope       text not null,
  key         text not null,
  fingerprint text not null,
  kept        json not null,                   -- {result, events: [{stream, version}]}
  at          timestamptz not null default now(),
  primary key (scope, key)
);
create index keys_by_age on log.keys (at);

-- Ids that clients see.
create sequence log.user_ids;
create sequence log.video_ids;
create sequence log.note_ids;
