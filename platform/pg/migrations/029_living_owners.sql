-- Owners whose process lives: they hold the advisory lock `owner <id>`, which Postgres releases when their connection ends.
-- `backend` is the Postgres process that serves the connection. A living owner without recent beats is frozen.
create view log.living_owners as
  with locks as materialized (
    select pid, (classid::bigint << 32) | objid::bigint as key from pg_locks
     where locktype = 'advisory' and objsubid = 1 and granted
       and database = (select oid from pg_database where datname = current_database()))
  select o.*, l.pid as backend
    from log.owners o join locks l on l.key = hashtextextended('owner ' || o.id, 0);
