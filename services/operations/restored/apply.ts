import { deciders } from '#events/catalog.ts'
import { makeSequences } from '#platform/log/postgres/sequences.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { type Db, inTransaction } from '#platform/pg/pool.ts'
import { views } from '#projections/index.ts'
import type { Act, Done } from '../operation.ts'
import type { Restoration } from './preview.ts'

export const restoredAct = (reason: string): Act => ({
  act: 'restored',
  target: 'log',
  command: 'npx vidwiz restored',
  reason,
})

/**
 * Lets a restored log (one that went back in time) continue, as the preview showed, in one transaction.
 * @throws OperatorError when the log has changed since the preview
 */
export async function restoreAsShown(db: Db, shown: Restoration): Promise<Done<string>> {
  const { head, floor, skip, timeline, kafka, gone, ahead, republishFrom } = shown
  const epoch = timeline.epoch + 1
  const shortened = (kafka?.shortened ?? []).map(({ topic, partition, kept }) => ({ topic, partition, end: kept }))
  const voided = [
    ...(kafka?.aliens ?? []).filter((one) => !shortened.some((s) => isAt(s, one) && one.first >= s.end)),
    // The relay publishes everything again behind a recreated topic's present records, which are voided: they would hide older events.
    ...(kafka?.shortened ?? []).flatMap(({ topic, partition, kept, end }) =>
      kept < end ? [{ topic, partition, first: kept, last: end - 1 }] : [],
    ),
  ].map(({ topic, partition, first, last }) => ({ topic, partition, first, last }))
  await db.tx(async (tx) => {
    // The advisory lock of appends.
    await tx.query('select pg_advisory_xact_lock(7001)')
    const { rows } = await tx.query(
      'select (select coalesce(max(pos), 0) from log.events) as head, epoch, id from log.timeline for update',
    )
    if (rows[0].head !== head || rows[0].epoch !== timeline.epoch || rows[0].id !== timeline.id)
      throw new OperatorError('the log has changed meanwhile; nothing was done: look again')
    await tx.query('update log.timeline set epoch = $1, floor = $2, halted = null, halted_at = null', [epoch, floor])
    await tx.query('insert into log.restorations (epoch, head, floor) values ($1, $2, $3)', [epoch, head, floor])
    await tx.query(
      `insert into log.given_up (first, last, epoch) select first, last, $2 from json_to_recordset($1) g(first bigint, last bigint)
       on conflict (first) do update set last = greatest(log.given_up.last, excluded.last), epoch = excluded.epoch`,
      [JSON.stringify(gone.gaps), epoch],
    )
    // Other records will take the lost offsets, which must not be voided then.
    await tx.query(
      `delete from log.voided v using json_to_recordset($1) s(topic text, partition int, "end" bigint)
        where v.topic = s.topic and v.partition = s.partition and v.first_offset >= s."end"`,
      [JSON.stringify(shortened)],
    )
    await tx.query(
      `update log.voided v set last_offset = s."end" - 1 from json_to_recordset($1) s(topic text, partition int, "end" bigint)
        where v.topic = s.topic and v.partition = s.partition and v.last_offset >= s."end"`,
      [JSON.stringify(shortened)],
    )
    await tx.query(
      `insert into log.voided (topic, partition, first_offset, last_offset, epoch)
       select topic, partition, first, last, $2 from json_to_recordset($1) v(topic text, partition int, first bigint, last bigint)`,
      [JSON.stringify(voided), epoch],
    )
    // The backup may be older than a sequence: ids that clients know must not be given again.
    await makeSequences(inTransaction(tx), deciders)
    await tx.query(
      `select setval(format('%I.%I', schemaname, sequencename)::regclass, coalesce(last_value, 0) + $1::bigint)
         from pg_sequences where schemaname = 'log'`,
      [skip],
    )
    // Views that contain lost events lose their mark as built, so that the projector rebuilds them.
    await tx.query('delete from log.views where view = any ($1) and view = any ($2)', [ahead, views.map(({ name }) => name)])
    await tx.query('update log.checkpoints set pos = $1, epoch = epoch + 1 where pos > $1', [head])
    await tx.query('delete from log.dead_letters where pos > $1', [head])
    await tx.query('delete from log.milestones where pos > $1', [head])
    await tx.query('delete from log.offsets where pos > $1', [head])
    await tx.query(
      `delete from log.offsets o using json_to_recordset($1) s(topic text, partition int, "end" bigint)
        where o.topic = s.topic and o.partition = s.partition and o."offset" >= s."end"`,
      [JSON.stringify(shortened)],
    )
    await tx.query('update log.relay set pos = least(pos, $1), epoch = epoch + 1', [Math.min(head, republishFrom ?? head)])
    await tx.query(`select pg_notify('timeline', '')`)
  })
  const summary = `the log continues in epoch ${epoch}, after position ${floor}`
  return { result: summary, summary }
}

interface Place {
  topic: string
  partition: number
}
const isAt = (one: Place, other: Place) => one.topic === other.topic && one.partition === other.partition
