-- Ids that clients see are drawn from sequences: `log.note_ids` for the id `note`. Deciders declare the ids that their commands draw.

-- Makes the sequences of these ids that are missing, and returns their names. `setup` and each service that starts call it, so a new id
-- needs no migration.
create function log.make_sequences(_ids text[]) returns setof text language plpgsql as $$
declare
  _sequence text;
  _role text;
begin
  -- Processes that start at the same moment make them one after the other.
  perform pg_advisory_xact_lock(hashtextextended('vidwiz sequences', 0));
  for _sequence in
    select id || '_ids' from unnest(_ids) id
     where not exists (select from pg_class where relnamespace = 'log'::regnamespace and relname = id || '_ids')
  loop
    execute format('create sequence log.%I', _sequence);
    -- A role that may append must be able to draw ids.
    for _role in
      select distinct case grantee when 0 then 'public' else grantee::regrole::text end
        from pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
       where oid = 'log.events'::regclass and privilege_type = 'INSERT'
    loop
      execute format('grant all on sequence log.%I to %s', _sequence, _role);
    end loop;
    return next _sequence;
  end loop;
end $$;
