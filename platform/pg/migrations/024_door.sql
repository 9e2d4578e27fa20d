-- The door for media workers that know no HTTP is a database of its own beside this one (docs/decisions/door.md). A row stands here
-- as long as it is open.
create table log.door (
  one       boolean primary key default true check (one),
  database  text not null,
  opened_at timestamptz not null default now(),
  -- Whether everybody could connect to this database before it was opened: then everybody can again when it is closed.
  was_public boolean not null,
  -- The jobs that it shows: {video id: job id}. A message is sent once its job stands there.
  shows     json not null default '{}',
  shown_at  timestamptz
);
