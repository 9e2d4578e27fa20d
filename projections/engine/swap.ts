import pg from 'pg'
import { transaction } from './load.ts'
import { indexNames, liveOf, nextOf } from './table.ts'
import type { View } from './view.ts'

/** Longest wait for a lock. Readers queue behind a waiting swap, so it gives up after this time and is tried again. */
const LOCK_TIMEOUT_MS = 200

/**
 * Makes the next table the live one, in one transaction. Meanwhile the live view's owner is blocked at its checkpoints, and
 * afterwards it is fenced. Queries find the new table under the same name.
 *
 * @param catchUp brings the next table to a position or beyond; few events are missing, so it is quick
 * @throws an error with code 55P03 when another transaction holds the table for too long
 */
export const swap = (client: pg.PoolClient, view: View, catchUp: (upTo: number) => Promise<void>) =>
  transaction(client, 'begin', async () => {
    const live = liveOf(view)
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
    // Views commit lazily by default, but a crash of the server must not undo a swap that the caller relies on.
    await client.query('set local synchronous_commit = on')

    // Locks checkpoints first and the table second, like all code, to avoid deadlocks.
    const { rows } = await client.query('select pos from log.checkpoints where consumer = $1 order by partition for update', [
      live.consumer,
    ])
    await catchUp(Math.max(0, ...rows.map(({ pos }) => pos)))

    await client.query(exchange(view))
  })

/** One round trip: readers are blocked until the commit, and each further answer would wait for its turn in the event loop. */
function exchange(view: View): string {
  const live = liveOf(view)
  const next = nextOf(view)
  const names = indexNames(live)
  const renames = indexNames(next).map((index, i) => `alter index views."${index}" rename to "${names[i]}";`)
  const [liveName, nextName, topic] = [live.consumer, next.consumer, view.topic.name].map(pg.escapeLiteral)
  return `
    do $$ begin lock table ${live.table} in access exclusive mode; exception when undefined_table then null; end $$;
    drop table if exists ${live.table};
    alter table ${next.table} rename to "${live.name}";
    ${renames.join(' ')}

    insert into log.checkpoints as c (consumer, topic, partition, pos, epoch)
    select ${liveName}, topic, partition, pos, 1 from log.checkpoints where consumer = ${nextName}
    on conflict (consumer, topic, partition) do update set pos = excluded.pos, epoch = c.epoch + 1, moved_at = now();
    delete from log.checkpoints where consumer = ${nextName};

    -- What is parked now is what the next table has parked; what was skipped stays skipped.
    delete from log.dead_letters where consumer = ${liveName} and state <> 'skipped';
    delete from log.dead_letters n using log.dead_letters l
     where n.consumer = ${nextName} and l.consumer = ${liveName} and l.pos = n.pos;
    update log.dead_letters set consumer = ${liveName} where consumer = ${nextName};

    insert into log.views (view, version) values (${liveName}, ${view.version})
    on conflict (view) do update set version = excluded.version, built_at = now();
    select log.tell_checkpoints(${liveName}, ${topic}, json_object_agg(partition, pos))
      from log.checkpoints where consumer = ${liveName} having count(*) > 0;`
}
