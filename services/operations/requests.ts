import { REQUEST_KINDS, redriveRequest } from '#events/ai.ts'
import { type Execute, Rejected } from '#platform/log/commands/executor.ts'
import { newestOf } from '#platform/log/postgres/newest.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { type AiRequestRow, askedOf, requestBy, requestsIn } from '#projections/ai-requests.ts'
import type { Act, Done } from './operation.ts'

/** To redrive more, repeat the command. */
export const MOST_REQUESTS = 10_000

/** The outcome of one request, in words. */
export interface Asked {
  request: string
  isAsked: boolean
  text: string
}

const isKind = (name: string) => (REQUEST_KINDS as readonly string[]).includes(name)

/**
 * The recorded form of redriving requests.
 * @param names as for `redriveRequests`
 */
export const requestsRedriveAct = (names: readonly string[]): Act => ({
  act: 'redrive-requests',
  target: names.length === 0 ? 'all that were given up' : names.join(' '),
  command: `npx vidwiz requests redrive ${names.length === 0 ? '--all' : names.join(' ')}`,
})

/** Requests that were given up, oldest first. @param kind only of this kind; all kinds, if not given */
export async function givenUp(db: Queryable, kind?: string): Promise<AiRequestRow[]> {
  const rows = await requestsIn(db, ['given-up'], MOST_REQUESTS)
  return kind === undefined ? rows : rows.filter((row) => row.kind === kind)
}

/**
 * Asks the models again for requests that were given up.
 * @param names of requests, or kinds for all of a kind that were given up; empty for all that were given up
 * @param actor of the commands, for example `operator:ada`
 */
export async function redriveRequests(
  { db, execute }: { db: Queryable; execute: Execute },
  names: readonly string[],
  actor: string,
): Promise<Done<Asked[]>> {
  const named = async (name: string) => (isKind(name) ? givenUp(db, name) : [(await requestBy(db, name)) ?? name])
  const rows = names.length === 0 ? await givenUp(db) : (await Promise.all(names.map(named))).flat()
  const result = await Promise.all(rows.map((row) => (typeof row === 'string' ? unknown(row) : ask(row))))
  const asked = result.filter(({ isAsked }) => isAsked).length
  return { result, summary: `${asked} of ${result.length} asked again` }

  async function ask(row: AiRequestRow): Promise<Asked> {
    const { request } = row
    // From the stream itself, because the view may lag behind.
    const last = await newestOf(db, `ai-${request}`)
    const context = { actor, correlationId: row.correlation_id, causationId: last?.id ?? row.event_id }
    try {
      await execute(redriveRequest(askedOf(row)), context)
      return { request, isAsked: true, text: `${request}: asked again` }
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      return { request, isAsked: false, text: error.message }
    }
  }
}

const unknown = (request: string): Asked => ({ request, isAsked: false, text: `${request}: nobody ever asked for it` })
