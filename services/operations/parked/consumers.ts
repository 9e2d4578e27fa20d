import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'

/** The view of this consumer name; undefined for other consumers. */
export const viewOf = (consumer: string): View | undefined => (views as readonly View[]).find(({ name }) => name === consumer)

/** @throws OperatorError that lists all consumers, for an unknown one */
export async function assertKnown(db: Queryable, consumer: string): Promise<void> {
  const rows = await db.query<{ consumer: string }>(
    'consumers',
    `select distinct consumer from log.checkpoints where consumer not like '%~%' order by 1`,
  )
  const known = rows.map((row) => row.consumer)
  if (!known.includes(consumer)) throw new OperatorError(`there is no consumer ${consumer}; there are ${known.join(', ')}`)
}

/** Whether a consumer is known to run nowhere: the last owner of each partition is known, and none is alive. */
export async function isGone(db: Queryable, consumer: string): Promise<boolean> {
  const [found] = await db.query<{ owners: number; unknown: number; living: number }>('parked.owners', OWNERS, [consumer])
  const { owners, unknown, living } = found!
  return owners > 0 && unknown === 0 && living === 0
}

const OWNERS = `
  select count(distinct c.owner) as owners, count(*) filter (where c.owner is null) as unknown,
         count(*) filter (where c.owner in (select id from log.living_owners)) as living
    from log.checkpoints c where c.consumer = $1`
