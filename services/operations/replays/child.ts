import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { giveWay } from '#platform/background.ts'
import { readSettings } from '#platform/config/settings.ts'
import { openReader } from '#platform/log/open.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { openListener } from '#platform/pg/listen.ts'
import type { Db } from '#platform/pg/pool.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl } from '#platform/pg/where.ts'
import { endReplay, replayById } from '#projections/engine/replays.ts'
import { views } from '#projections/index.ts'
import { replayThreads } from '#services/kit/replay-threads.ts'
import { type Replay, runReplay } from './replay.ts'

const Spec = z.object({
  id: z.uuid(),
  act: z.enum(['rebuild', 'dry-run', 'verify', 'as-of']),
  view: z.string(),
  by: z.string(),
  pos: z.number().optional(),
  at: z.number().optional(),
  differencesTo: z.string().optional(),
})
/** A replay, serialized for another process. */
export type ReplaySpec = z.output<typeof Spec>

export interface ChildOptions {
  /** Environment that the settings are read from. */
  env: NodeJS.ProcessEnv
  /** Ends it early; then nothing has changed. */
  signal: AbortSignal
}

/**
 * Runs a replay in a process of its own with low priority, so that the caller goes on serving. Its progress is in `log.replays`.
 * @returns the result that the replay recorded
 * @throws OperatorError with the replay's error when it failed
 */
export async function replayInChild(db: Db, spec: ReplaySpec, { env, signal }: ChildOptions): Promise<unknown> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--disable-warning=TimeoutNegativeWarning',
      '--max-semi-space-size=8',
      fileURLToPath(import.meta.url),
      JSON.stringify(spec),
    ],
    // In a session of its own, so that `giveWay` lowers it and not the caller.
    { stdio: ['ignore', 'ignore', 'pipe'], env, detached: true },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-10_000)
  })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    let row = await replayById(db, spec.id)
    if (code === 0 && row?.outcome === 'done') return row.result
    if (row?.endedAt === null) {
      // It died before it could record its end.
      await endReplay(db, spec.id, { outcome: 'cut off', error: said.trim() || `its process ended (${code ?? 'killed'})` })
      row = await replayById(db, spec.id)
    }
    const error = row?.error?.split('\n')[0] ?? (said.trim() || `its process ended (${code})`)
    throw Object.assign(new OperatorError(row?.outcome === 'cancelled' ? 'cancelled' : error), {
      outcome: row?.outcome === 'cancelled' ? 'cancelled' : 'failed',
    })
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Entry point of the child process. */
async function main(text: string): Promise<void> {
  const { id, view: name, pos, at, differencesTo, ...spec } = Spec.parse(JSON.parse(text))
  const view = views.find((one) => one.name === name)
  if (!view) throw new OperatorError(`there is no view ${name}`)
  await giveWay()
  const settings = readSettings()
  const url = databaseUrl(settings)
  const db = openDb(url, { name: 'vidwiz replay', max: 4 })
  const listener = openListener(url, { name: 'vidwiz replay' })
  const reader = await openReader(settings, db, listener, 'vidwiz replay')
  const ending = new AbortController()
  process.once('SIGTERM', () => ending.abort())
  try {
    await runReplay(id, { ...spec, view, pos, at, differencesTo } as Replay, {
      db,
      reader,
      threads: replayThreads(settings),
      signal: ending.signal,
    })
  } finally {
    await reader.close()
    await listener.close()
    await db.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  main(process.argv[2] ?? '').catch((error) => {
    console.error((error as Error).message)
    process.exitCode = 1
  })
