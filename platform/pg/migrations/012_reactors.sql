-- State 'due' of a parked event: its consumer tries it again, in order with the other events of its stream.
alter table log.dead_letters drop constraint dead_letters_state_check,
  add constraint dead_letters_state_check check (state in ('failed', 'waiting', 'due', 'skipped'));

-- For callers that cannot use a partial append: fails, and so rolls back, when log.append has left out a group.
create function log.all_or_nothing(_lost json) returns void language plpgsql as $$
begin
  if _lost is not null then
    raise exception using errcode = 'LOST0', message = 'others have written meanwhile', detail = _lost::text;
  end if;
end $$;
