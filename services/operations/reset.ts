import { RESET } from '#platform/log/reactor/reset.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Db, Queryable } from '#platform/pg/pool.ts'
import { views } from '#projections/index.ts'
import { REACTORS } from './expected.ts'
import type { Act, Done } from './operation.ts'

/** The effect of resetting a consumer to a position, per topic that it follows. */
export interface ResetPreview {
  consumer: string
  kind: 'reactor' | 'bridge'
  /** It would continue with the first event after this position. */
  pos: number
  /** The range of its partitions' current positions. */
  from: { lowest: number; highest: number }
  topics: TopicReset[]
  /** Numbers of events that would be handled again, and that would never be handled. */
  again: number
  never: number
  /** Parked and skipped events after the position: they would be handled again like the others. */
  letters: number
  /** Which effects cannot happen twice, and why. */
  effects: string
}

export interface TopicReset {
  topic: string
  again: number
  never: number
  /** Counts by type, over the first MOST_TYPED events concerned. */
  types: { type: string; events: number }[]
  /** Whether there are more events than that. */
  isCut: boolean
}

/** Consumers that can be reset. */
export const RESETTABLE: string[] = REACTORS.map(({ service }) => service)

/** Bounds the count by type: it only has to support a decision. */
const MOST_TYPED = 20_000

const EFFECTS: Record<'reactor' | 'bridge', string> = {
  reactor:
    'No event is written twice: its commands decide on what has happened since, so requests and results that are already in the log stay as they are (P7).',
  bridge:
    'No message is sent for what was sent, answered or given up already: before it sends, it asks each stream whether that is still due (P7). Only a message that was being sent when a bridge died may be sent twice, as always.',
}

const STAND = `
  select c.topic, c.partition, c.pos,
         greatest(0, log.events_up_to(c.topic, c.partition, c.pos) - log.events_up_to(c.topic, c.partition, least(c.pos, $2))) as again,
         greatest(0, log.events_up_to(c.topic, c.partition, greatest(c.pos, $2)) - log.events_up_to(c.topic, c.partition, c.pos)) as never
    from log.checkpoints c where c.consumer = $1 order by c.topic, c.partition`

const TYPES = `
  select type, count(*) as events from (
    select e.type from log.checkpoints c join log.events e on e.topic = c.topic and e.partition = c.partition
       and e.pos > least(c.pos, $3::bigint) and e.pos <= greatest(c.pos, $3::bigint)
     where c.consumer = $1 and c.topic = $2 limit $4) e group by type order by events desc`

/**
 * Tells the effect of resetting a reactor or a bridge. Changes nothing.
 * @throws OperatorError for a view, which is rebuilt instead, and for an unknown consumer
 */
export async function previewReset(db: Queryable, consumer: string, pos: number): Promise<ResetPreview> {
  const { kind } = resettable(consumer)
  const stand = await db.query<{ topic: string; pos: number; again: number; never: number }>('reset.stand', STAND, [
    consumer,
    pos,
  ])
  if (stand.length === 0) throw new OperatorError(`${consumer} has not run here yet: it has no checkpoint to reset`)
  const byTopic = Map.groupBy(stand, ({ topic }) => topic)
  const sum = (rows: readonly { again: number; never: number }[], field: 'again' | 'never') =>
    rows.reduce((total, row) => total + row[field], 0)
  const resets: TopicReset[] = []
  for (const [topic, rows] of byTopic) {
    const [again, never] = [sum(rows, 'again'), sum(rows, 'never')]
    const types = await db.query<{ type: string; events: number }>('reset.types', TYPES, [consumer, topic, pos, MOST_TYPED])
    resets.push({ topic, again, never, types, isCut: again + never > MOST_TYPED })
  }
  const [letters] = await db.query<{ letters: number }>(
    'reset.letters',
    'select count(*) as letters from log.dead_letters where consumer = $1 and pos > $2',
    [consumer, pos],
  )
  return {
    consumer,
    kind,
    pos,
    from: { lowest: Math.min(...stand.map(({ pos }) => pos)), highest: Math.max(...stand.map(({ pos }) => pos)) },
    topics: resets,
    again: sum(resets, 'again'),
    never: sum(resets, 'never'),
    letters: letters!.letters,
    effects: EFFECTS[kind],
  }
}

/**
 * Sets a reactor or a bridge back, or forward, to a position. Its owner is fenced, and goes on from there.
 * Parked events after the position are deleted: they come again with the others.
 * @throws OperatorError as `previewReset`
 */
export async function reset(db: Db, consumer: string, pos: number): Promise<void> {
  resettable(consumer)
  await db.tx(async (tx) => {
    const { rowCount } = await tx.query(
      'update log.checkpoints set pos = $2, epoch = epoch + 1, moved_at = now() where consumer = $1',
      [consumer, pos],
    )
    if (!rowCount) throw new OperatorError(`${consumer} has not run here yet: it has no checkpoint to reset`)
    await tx.query('delete from log.dead_letters where consumer = $1 and pos > $2', [consumer, pos])
    await tx.query('select pg_notify($1, $2)', [RESET, consumer])
  })
}

export const resetAct = ({ consumer, pos }: ResetPreview, reason: string): Act => ({
  act: 'reset',
  target: consumer,
  command: `npx vidwiz reset ${consumer} --to-position ${pos} --reason '${reason.replaceAll("'", `'\\''`)}'`,
  reason,
})

/** Does what was previewed, and says what it did. @throws OperatorError */
export async function resetAsShown(db: Db, { consumer, pos, from, again, never }: ResetPreview): Promise<Done<undefined>> {
  await reset(db, consumer, pos)
  const stood = from.lowest === from.highest ? `${from.lowest}` : `${from.lowest} to ${from.highest}`
  return {
    result: undefined,
    summary: `was at position ${stood}, continues after ${pos}: ${count(again, 'event')} handled again, ${count(never, 'event')} never`,
  }
}

function resettable(consumer: string): { kind: 'reactor' | 'bridge' } {
  if (views.some(({ name }) => name === consumer))
    throw new OperatorError(
      `${consumer} is a view: a view is not reset but rebuilt from the beginning (npx vidwiz rebuild ${consumer})`,
    )
  const known = REACTORS.find(({ service }) => service === consumer)
  if (known) return known
  throw new OperatorError(`there is no consumer ${consumer} that can be reset; there are ${RESETTABLE.join(', ')}`)
}

const count = (n: number, what: string) => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`

/** The preview in words, for the command line. */
export function resetText({ consumer, pos, topics: resets, again, never, letters, effects }: ResetPreview): string {
  const lines = [`${consumer} would continue after position ${pos}: ${count(again, 'event')} would be handled again`]
  if (never > 0) lines.push(`  and ${count(never, 'event')} that it has not reached would NEVER be handled`)
  for (const { topic, types, isCut } of resets)
    if (types.length > 0)
      lines.push(
        `  ${topic}: ${types.map(({ type, events }) => `${events.toLocaleString('en')} ${type}`).join(', ')}${isCut ? ` (of the first ${MOST_TYPED.toLocaleString('en')})` : ''}`,
      )
  if (letters > 0) lines.push(`  ${count(letters, 'parked or skipped event')} beyond it come again with the others`)
  lines.push(`  ${effects}`)
  return lines.join('\n')
}
