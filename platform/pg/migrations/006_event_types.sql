-- Types of event that the code of some process knows, in all schema versions. Each process registers its own when it starts, before it
-- can append one. An event of a registered type that a process does not know was written by newer code: it leaves that event to newer
-- code. See docs/decisions/upgrades.md.
create table log.event_types (
  topic  text not null,
  type   text not null,
  schema int  not null,
  primary key (topic, type, schema)
);
