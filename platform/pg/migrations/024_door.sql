-- The door for media workers that cannot use HTTP is a separate database beside this one (docs/decisions/door.md). This table has a
-- row while the door is open.
create table log.door (
  one       boolean primary key default true check (one),
  database  text not null,
  opened_at timestamptz not null default now(),
  -- True when the role PUBLIC could connect to this database before the door was opened; closing the door restores that.
  was_public boolean not null,
  -- The jobs in the door's database: {video id: job id}. A job's message is sent only after the job is there.
  shows     json not null default '{}',
  shown_at  timestamptz
);
