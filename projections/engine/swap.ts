import pg from 'pg'
import { transaction } from './load.ts'
import { indexNames, liveOf, nextOf } from './table.ts'
import type { View } from './view.ts'

/** Readers queue behind us no longer than this; then we give way and try again. */
const LOCK_TIMEOUT_MS = 200

/**
 * Makes the next table the live one, in one transaction. The owner of the live view is held at its checkpoint meanwhile and
 * then fenced; queries find the new table by its name.
 *
 * @param catchUp brings the next table to a position or beyond; little is missing, so it is quick
 * @throws an error with code 55P03 when somebody holds the table for too long
 */
export const swap = (client: pg.PoolClient, view: View, catchUp: (upTo: number) => Promise<void>) =>
  transaction(client, 'begin', async () => {
    const live = liveOf(view)
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
    // Whoever set the view up relies on it: a crash of the server must not take the swap back.
    await client.query('set local synchronous_commit = on')

    // Checkpoint first, table second: the order in which everybody takes them.
    const { rows } = await client.query('select pos from log.checkpoints where consumer = $1 order by partition for update', [
      live.consumer,
    ])
    await catchUp(Math.max(0, ...rows.map(({ pos }) => pos)))

    await client.query(exchange(view))
  })

/** One round trip: nobody reads the view meanwhile, and we may have to wait for a turn after each answer. */
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
