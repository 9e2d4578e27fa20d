import type { Recorded } from '#events/kit/envelope.ts'
import { EVENT_COLUMNS } from '#platform/log/postgres/rows.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { liveOf, loadText } from '#projections/engine/table.ts'
import { views } from '#projections/index.ts'
import type { Act, Done } from './operation.ts'
import { UUID } from './uuid.ts'

/** Data whose texts are masked until a person gives a reason to see them. */
export type Secret =
  | { event: string }
  /** A letter (parked or skipped event) of a consumer, by the position of its event. */
  | { letter: { consumer: string; pos: number } }
  /** A row of a view, by its key. */
  | { row: { view: string; id: string } }

const targetOf = (what: Secret): string =>
  'event' in what
    ? `event ${what.event}`
    : 'letter' in what
      ? `letter ${what.letter.consumer} ${what.letter.pos}`
      : `row ${what.row.view} ${what.row.id}`

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** The recorded form of revealing: says that the data was seen, but not the data. */
export const revealAct = (what: Secret, reason: string): Act => ({
  act: 'reveal',
  target: targetOf(what),
  command: `npx vidwiz reveal ${targetOf(what)} --reason ${quoted(reason)}`,
  reason,
})

/**
 * The unmasked payload of an event or a letter, or an unmasked row.
 * @throws OperatorError when there is none (any more)
 */
export async function reveal(db: Queryable, what: Secret): Promise<Done<unknown>> {
  const result = await read(db, what)
  if (result === undefined) throw new OperatorError(`the database has no ${targetOf(what)} (any more)`)
  return { result, summary: 'shown' }
}

async function read(db: Queryable, what: Secret): Promise<unknown> {
  if ('event' in what) {
    if (!UUID.test(what.event)) return undefined
    const [found] = await db.query<Recorded>('reveal.event', `select ${EVENT_COLUMNS} from log.events where id = $1::uuid`, [
      what.event,
    ])
    return found && payloadOf(found)
  }
  if ('letter' in what) {
    const { consumer, pos } = what.letter
    const [found] = await db.query<{ event: string }>(
      'reveal.letter',
      'select event from log.dead_letters where consumer = $1 and pos = $2',
      [consumer, pos],
    )
    return found && payloadOf(JSON.parse(found.event))
  }
  const { id } = what.row
  const view = views.find(({ name }) => name === what.row.view)
  if (!view) throw new OperatorError(`there is no view ${what.row.view}; there are ${views.map(({ name }) => name).join(', ')}`)
  const isNumber = /^(big)?int/.test(view.columns[view.key]!)
  if (isNumber && !Number.isSafeInteger(Number(id))) return undefined
  const [row] = await db.query(`reveal.row ${view.name}`, loadText(liveOf(view)), [[id]])
  return row
}

/** The payload as it was written, in its version of the schema. */
function payloadOf({ data }: Recorded): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}
