-- Renames log.claims to log.reservations and log.keys to log.idempotency_keys in databases made before 001_log.sql had these names.

do $$
declare
  _append text;
  _roles  text[];
  _role   text;
  _grant  record;
begin
  if to_regclass('log.claims') is null then
    return;
  end if;
  alter table log.claims rename to reservations;
  alter index log.claims_pkey rename to reservations_pkey;
  alter table log.keys rename to idempotency_keys;
  alter index log.keys_pkey rename to idempotency_keys_pkey;
  alter index log.keys_by_age rename to idempotency_keys_by_age;

  -- A function whose parameters get other names must be made again; the grants on it stay.
  _append = pg_get_functiondef('log.append'::regproc);
  select array_agg(case grantee when 0 then 'public' else grantee::regrole::text end) into _roles
    from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
   where oid = 'log.append'::regproc;
  drop function log.append;
  _append = replace(replace(_append, 'log.claims', 'log.reservations'), 'log.keys', 'log.idempotency_keys');
  _append = regexp_replace(_append, '\y_claims\y', '_reservations', 'g');
  _append = regexp_replace(_append, '\y_keys\y', '_idempotency_keys', 'g');
  execute _append;
  revoke all on function log.append from public;
  foreach _role in array _roles loop
    execute format('grant execute on function log.append to %s', _role);
  end loop;

  -- For processes of older code while an upgrade lasts.
  create view log.claims as select * from log.reservations;
  create view log.keys as select ctid, * from log.idempotency_keys;
  for _grant in
    select v.old, case a.grantee when 0 then 'public' else a.grantee::regrole::text end as role, a.privilege_type
      from (values ('claims', 'reservations'), ('keys', 'idempotency_keys')) v(old, new)
      join pg_class c on c.oid = ('log.' || v.new)::regclass, aclexplode(c.relacl) a
     where a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  loop
    execute format('grant %s on log.%I to %s', _grant.privilege_type, _grant.old, _grant.role);
  end loop;
end $$;
