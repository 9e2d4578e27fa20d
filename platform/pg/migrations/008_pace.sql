-- Share of the time that a replay works: while people are served it pauses between its steps.
alter table log.replays add column pace float8 not null default 1;
