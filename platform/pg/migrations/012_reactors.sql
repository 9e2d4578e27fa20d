-- A dead letter may be 'due': its consumer shall try it again, in order with the others of its stream.
alter table log.dead_letters drop constraint dead_letters_state_check,
  add constraint dead_letters_state_check check (state in ('failed', 'waiting', 'due', 'skipped'));

-- For who can do nothing with a part: what log.append left out takes the whole statement back.
create function log.all_or_nothing(_lost json) returns void language plpgsql as $$
begin
  if _lost is not null then
    raise exception using errcode = 'LOST0', message = 'others have written meanwhile', detail = _lost::text;
  end if;
end $$;
