import type pg from 'pg'
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
    const next = nextOf(view)
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
    // Whoever set the view up relies on it: a crash of the server must not take the swap back.
    await client.query('set local synchronous_commit = on')

    // Checkpoint first, table second: the order in which everybody takes them.
    const { rows } = await client.query('select pos from log.checkpoints where consumer = $1 order by partition for update', [
      live.consumer,
    ])
    await catchUp(Math.max(0, ...rows.map(({ pos }) => pos)))

    await client.query(
      `do $$ begin lock table ${live.table} in access exclusive mode; exception when undefined_table then null; end $$`,
    )
    await client.query(`drop table if exists ${live.table}`)
    await client.query(`alter table ${next.table} rename to "${live.name}"`)
    const names = indexNames(live)
    for (const [i, name] of indexNames(next).entries()) await client.query(`alter index views."${name}" rename to "${names[i]}"`)

    await client.query(
      `insert into log.checkpoints as c (consumer, topic, partition, pos, epoch) select $1, topic, partition, pos, 1 from log.checkpoints where consumer = $2
       on conflict (consumer, topic, partition) do update set pos = excluded.pos, epoch = c.epoch + 1, moved_at = now()`,
      [live.consumer, next.consumer],
    )
    await client.query('delete from log.checkpoints where consumer = $1', [next.consumer])

    // What is parked now is what the next table has parked; what was skipped stays skipped.
    await client.query(`delete from log.dead_letters where consumer = $1 and state <> 'skipped'`, [live.consumer])
    await client.query(
      'delete from log.dead_letters n using log.dead_letters l where n.consumer = $2 and l.consumer = $1 and l.pos = n.pos',
      [live.consumer, next.consumer],
    )
    await client.query('update log.dead_letters set consumer = $1 where consumer = $2', [live.consumer, next.consumer])

    await client.query(
      `insert into log.views (view, version) values ($1, $2)
       on conflict (view) do update set version = excluded.version, built_at = now()`,
      [view.name, view.version],
    )
    await client.query(
      'select log.tell_checkpoints($1, $2, json_object_agg(partition, pos)) from log.checkpoints where consumer = $1 having count(*) > 0',
      [live.consumer, view.topic.name],
    )
  })
