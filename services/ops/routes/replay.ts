import { createReadStream, existsSync } from 'node:fs'
import { z } from 'zod'
import { Content, content } from '#platform/http/content.ts'
import { failure } from '#platform/http/errors.ts'
import { Answer } from '#platform/http/route.ts'
import type { Comparison, Difference } from '#projections/engine/compare.ts'
import { type ReplayRow, replayById, replaysOf } from '#projections/engine/replays.ts'
import { views } from '#projections/index.ts'
import { askToEnd, cancelAct } from '#services/operations/replays/cancel.ts'
import { replayHistory } from '#services/operations/replays/history.ts'
import { positionOf } from '#services/operations/replays/past.ts'
import { assertMeant, type Danger, dangerousBody, previewFor, reason } from '../dangerous.ts'
import type { App } from '../deps.ts'
import { masked } from '../mask.ts'
import { beginReplay, differencesOf } from '../replaying.ts'
import { route } from '../route.ts'

const view = z.enum(views.map(({ name }) => name) as [string, ...string[]])
const id = z.object({ id: z.uuid() })
const anything = { 200: z.unknown() }
const begun = { 202: z.object({ id: z.uuid() }) }
const JSON_LINES = 'application/jsonl; charset=utf-8'

export const replayRoutes = [
  route('GET', '/api/replays', { may: 'viewer', answers: anything }, async ({ app }) => ({
    views: await viewsNow(app),
    replays: (await replayHistory(app.db, { limit: 50 })).map(shownRow),
  })),
  route('GET', '/api/replays/:id', { may: 'viewer', params: id, answers: anything }, async ({ app, params }) => {
    const row = await known(app, params.id)
    return { ...shownRow(row), result: shownResult(row), hasDifferences: existsSync(differencesOf(app, row.id)) }
  }),
  route(
    'POST',
    '/api/replays/:id/differences',
    { may: 'operator', params: id, body: z.object({ reason }), answers: { 200: content(JSON_LINES) } },
    async ({ app, params, body, operate }) => {
      const { view } = await known(app, params.id)
      const file = differencesOf(app, params.id)
      if (!existsSync(file)) throw failure(404, 'NOT_FOUND', 'Its rows are not kept (any more)')
      const act = {
        act: 'reveal',
        target: `differences of ${view}`,
        command: `npx vidwiz rebuild ${view} --dry-run --differences FILE`,
        reason: body.reason,
      } as const
      await operate(act, async () => ({ result: undefined, summary: 'downloaded' }))
      // Streamed, so memory stays small however many rows there are.
      return new Content(JSON_LINES, createReadStream(file), [
        'Content-Disposition',
        `attachment; filename="${view}-differences.jsonl"`,
      ])
    },
  ),
  route(
    'POST',
    '/api/replays/:id/cancel',
    { may: 'operator', params: id, answers: { 202: z.unknown() } },
    async ({ app, params, operate }) => {
      const { outcome } = await known(app, params.id)
      if (outcome !== null) throw failure(409, 'ENDED', `It has ended: ${outcome}`)
      await operate(cancelAct(params.id), () => askToEnd(app.db, params.id))
      return new Answer(202, { id: params.id })
    },
  ),
  route(
    'POST',
    '/api/views/:view/replay',
    {
      may: 'operator',
      params: z.object({ view }),
      body: z.object({
        act: z.enum(['dry-run', 'verify', 'as-of']),
        position: z.int().min(0).optional(),
        at: z.iso.datetime({ offset: true }).optional(),
        reason: reason.optional(),
      }),
      answers: begun,
    },
    async ({ app, who, params: { view }, body }) => {
      if (body.act !== 'as-of')
        return { id: await beginReplay(app, who, { ...actOf(body.act, view), reason: body.reason }, { act: body.act, view }) }
      if ((body.at === undefined) === (body.position === undefined))
        throw failure(422, 'POSITION_MISSING', 'Say either a position or a moment')
      const at = body.at === undefined ? undefined : Date.parse(body.at)
      const pos = await positionOf(app.db, { at, pos: body.position })
      const command = `npx vidwiz as-of ${view} ${at === undefined ? `--position ${pos}` : `--at ${new Date(at).toISOString()}`}`
      return {
        id: await beginReplay(
          app,
          who,
          { act: 'as-of', target: view, command, reason: body.reason },
          { act: 'as-of', view, pos, ...(at !== undefined && { at }) },
        ),
      }
    },
  ),
  route(
    'GET',
    '/api/views/:view/rebuild',
    { may: 'operator', params: z.object({ view }), answers: anything },
    async ({ app, who, params: { view } }) => {
      const danger = await rebuildDanger(app, view)
      const [dryRun] = (await replaysOf(app.db, { view, limit: 50 })).filter(
        ({ act, outcome }) => act === 'dry-run' && outcome === 'done',
      )
      const result = dryRun && ((await replayById(app.db, dryRun.id))?.result as Comparison | undefined)
      return {
        target: view,
        command: `npx vidwiz rebuild ${view}`,
        token: previewFor(who, danger),
        dryRun:
          dryRun && result
            ? { id: dryRun.id, endedAt: dryRun.endedAt, added: result.missing, changed: result.different, removed: result.extra }
            : null,
      }
    },
  ),
  route(
    'POST',
    '/api/views/:view/rebuild',
    {
      may: 'operator',
      params: z.object({ view }),
      body: dangerousBody,
      answers: begun,
      refuses: { 409: 'The preview is not true any more' },
    },
    async ({ app, who, params: { view }, body }) => {
      assertMeant(who, await rebuildDanger(app, view), body)
      return { id: await beginReplay(app, who, { ...actOf('rebuild', view), reason: body.reason }, { act: 'rebuild', view }) }
    },
  ),
]

const actOf = (act: 'rebuild' | 'dry-run' | 'verify', view: string) => ({
  act,
  target: view,
  command: act === 'verify' ? `npx vidwiz verify ${view}` : `npx vidwiz rebuild ${view}${act === 'dry-run' ? ' --dry-run' : ''}`,
})

/** A rebuild by somebody else in between makes the preview outdated. */
async function rebuildDanger({ db }: App, view: string): Promise<Danger> {
  const [row] = await db.query<{ builtAt: string }>(
    'replay.built',
    `select built_at::text as "builtAt" from log.views where view = $1`,
    [view],
  )
  return { act: 'rebuild', target: view, count: row?.builtAt ?? 'never built' }
}

async function viewsNow({ db }: App) {
  const rows = await db.query<{ view: string; version: number; builtAt: number }>(
    'replay.views',
    'select view, version, (extract(epoch from built_at) * 1000)::bigint as "builtAt" from log.views',
  )
  const live = new Map(rows.map((row) => [row.view, row]))
  return views.map(({ name, version, topic }) => ({
    view: name,
    topic: topic.name,
    version,
    liveVersion: live.get(name)?.version ?? null,
    builtAt: live.get(name)?.builtAt ?? null,
  }))
}

async function known({ db }: App, id: string): Promise<ReplayRow> {
  const row = await replayById(db, id)
  if (!row) throw failure(404, 'NOT_FOUND', `There is no replay ${id}`)
  return row
}

const shownRow = <R extends ReplayRow>({ result: _, etaMs, ...row }: R) => ({
  ...row,
  etaSeconds: etaMs === null ? null : etaMs / 1000,
})

/** Differing rows belong to people: texts are masked, only the names of differing fields are shown. */
function shownResult({ act, result }: ReplayRow): unknown {
  if (!result || (act !== 'dry-run' && act !== 'verify')) return result
  const { rows, ...counts } = result as Comparison
  return { ...counts, rows: rows.map(shownDifference) }
}

export const shownDifference = ({ id, live, replayed }: Difference) => ({
  id,
  fields: [...new Set([...Object.keys(live ?? {}), ...Object.keys(replayed ?? {})])].filter(
    (field) => JSON.stringify(live?.[field]) !== JSON.stringify(replayed?.[field]),
  ),
  live: masked(live),
  replayed: masked(replayed),
})
