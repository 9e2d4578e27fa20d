-- The door: a database for media workers without HTTP. Their role may only see schema `door`; schema `kept` holds the tables behind
-- it. Both hold only jobs under way, so that a worker can find out nothing else.
revoke all on schema public from public;

create schema kept;
create schema door;

-- Identifies this door: after a door is closed, the next one numbers its entries from 1 again.
create table kept.door (
  one boolean primary key default true check (one),
  id  uuid not null default gen_random_uuid()
);
insert into kept.door default values;

create table kept.jobs (
  id             bigint primary key,       -- number of the video
  video_id       text not null unique,     -- YouTube's
  job_id         bigint not null,
  attempt        int not null,
  user_id        bigint not null,
  email          text not null,
  title          text,
  url            text not null,
  status         text not null,
  is_written     boolean not null default false, -- by a worker, in this attempt
  correlation_id text,
  causation_id   text
);

-- What workers write: kept until it is an event, and as rows that they can read while the job is under way.
-- A writer locks the job's row, so within a job the numbers rise in the order of commits. No other order is needed.
create table kept.entries (
  n              bigint generated always as identity primary key,
  what           text not null check (what in ('status', 'transcript', 'flashcards', 'quiz')),
  video          bigint not null,
  video_id       text not null,
  job_id         bigint not null,
  attempt        int not null,
  user_id        bigint not null,
  correlation_id text,
  causation_id   text,
  status         text,
  language       text,
  file_path      text,
  created_at     timestamp not null,
  at             timestamptz not null default now(),
  state          text not null default 'new' check (state in ('new', 'done', 'parked')),
  cause          text,                     -- why it is parked
  content        json                      -- of flashcards and quizzes, once they are read and valid
);
create index entries_new on kept.entries (n) where state = 'new';
create index entries_by_job on kept.entries (video, job_id, n);

-- The views read the tables with their owner's rights. security_barrier makes Postgres evaluate the views' own conditions before the
-- reader's.
create view door.users with (security_barrier) as select distinct user_id as id, email from kept.jobs;
create view door.videos with (security_barrier) as select id, user_id, title, url, status from kept.jobs;

create view door.transcripts with (security_barrier) as
  select e.n as id, e.video as video_id, e.user_id, e.language, e.file_path, e.created_at
    from kept.entries e join kept.jobs j on j.id = e.video and j.job_id = e.job_id where e.what = 'transcript';
create view door.flashcards with (security_barrier) as
  select e.n as id, e.video as video_id, e.user_id, e.language, e.file_path, e.created_at
    from kept.entries e join kept.jobs j on j.id = e.video and j.job_id = e.job_id where e.what = 'flashcards';
create view door.quizzes with (security_barrier) as
  select e.n as id, e.video as video_id, e.user_id, e.language, e.file_path, e.created_at
    from kept.entries e join kept.jobs j on j.id = e.video and j.job_id = e.job_id where e.what = 'quiz';

-- The bound is far more than a worker writes about a job; it keeps a faulty worker from filling the disk.
create function kept.write_entry(_job kept.jobs, _what text, _status text, _language text, _path text, _created timestamp)
returns bigint language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  _n bigint;
begin
  if (select count(*) from kept.entries where video = _job.id and job_id = _job.job_id) >= 1000 then
    raise exception using errcode = '54000', message = 'too much was written about this video: 1000 times';
  end if;
  insert into kept.entries (what, video, video_id, job_id, attempt, user_id, correlation_id, causation_id, status, language, file_path, created_at)
  values (_what, _job.id, _job.video_id, _job.job_id, _job.attempt, _job.user_id, _job.correlation_id, _job.causation_id,
          _status, _language, _path, _created)
  returning n into _n;
  perform pg_notify('door', '');
  return _n;
end $$;

create function kept.on_video() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  _job kept.jobs;
begin
  if (new.id, new.user_id, new.url) is distinct from (old.id, old.user_id, old.url) then
    raise exception using errcode = '42501', message = 'of a video only its status and its title may be changed';
  end if;
  if new.status is null or new.status not in ('queued', 'processing', 'completed', 'failed') then
    raise exception using errcode = '23514', message = 'the status of a video is queued, processing, completed or failed';
  end if;
  if length(new.title) > 1000 then
    raise exception using errcode = '22001', message = 'a title has 1000 characters at most';
  end if;
  -- Others who write about this video wait here until our transaction is over, so the numbers of its entries rise as they commit.
  select * into _job from kept.jobs where id = old.id for update;
  if not found then
    return null;
  end if;
  -- Also what it was before: a worker that says so again is alive.
  perform kept.write_entry(_job, 'status', new.status, null, null, now() at time zone 'UTC');
  update kept.jobs set status = new.status, title = new.title, is_written = true where id = old.id;
  return new;
end $$;
create trigger on_video instead of update on door.videos for each row execute function kept.on_video();

create function kept.on_file() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  _job kept.jobs;
begin
  if new.id is not null then
    raise exception using errcode = '428C9', message = 'the database gives the id: leave it out';
  end if;
  if new.file_path is null or new.file_path = '' then
    raise exception using errcode = '23502', message = 'file_path must be given, as s3://bucket/key';
  end if;
  if octet_length(new.file_path) > 1200 or length(new.language) > 40 then
    raise exception using errcode = '22001', message = 'file_path has 1200 bytes at most, language 40 characters';
  end if;
  select * into _job from kept.jobs where id = new.video_id for update;
  if not found then
    raise exception using errcode = '23503', message = 'there is no job under way for a video of this id';
  end if;
  if new.user_id <> _job.user_id then
    raise exception using errcode = '23503', message = 'another user asked for this video';
  end if;
  new.user_id := _job.user_id;
  new.created_at := coalesce(new.created_at, now() at time zone 'UTC');
  new.id := kept.write_entry(_job, tg_argv[0], null, new.language, new.file_path, new.created_at);
  return new;
end $$;
create trigger on_file instead of insert on door.transcripts for each row execute function kept.on_file('transcript');
create trigger on_file instead of insert on door.flashcards for each row execute function kept.on_file('flashcards');
create trigger on_file instead of insert on door.quizzes for each row execute function kept.on_file('quiz');

-- Only triggers call them.
revoke all on all functions in schema kept from public;
