import { readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { dataFolder } from '#platform/config/data-folder.ts'
import { failure } from '#platform/http/errors.ts'
import { beginReplay as noteReplay } from '#projections/engine/replays.ts'
import type { Act } from '#services/operations/operation.ts'
import { operate } from '#services/operations/operation.ts'
import { type ReplaySpec, replayInChild } from '#services/operations/replays/child.ts'
import { type ReplayOutcome, summaryOf } from '#services/operations/replays/replay.ts'
import type { Who } from './access.ts'
import type { App } from './deps.ts'

/** A replay uses a whole core while it runs. */
const MOST_AT_ONCE = 2
/** Files of differing rows contain people's data: keep only those of the newest dry runs and comparisons. */
const MOST_FILES = 5

interface Running {
  ended: Promise<void>
  aborter: AbortController
}

/** Replays begun by this process and still running, each in a child process. */
const running = new Set<Running>()

const folderOf = ({ settings }: Pick<App, 'settings'>): string => join(resolve(settings.VIDWIZ_DATA), 'replays')

/** File with all differing rows of a replay, unmasked. */
export const differencesOf = (app: Pick<App, 'settings'>, id: string): string => join(folderOf(app), `${id}.jsonl`)

/** Deletes the oldest files, to leave room for one more. @throws DataFolderError */
async function makeRoomForDifferences(app: App): Promise<void> {
  dataFolder(app.settings.VIDWIZ_DATA)
  const folder = folderOf(app)
  const names = await readdir(folder).catch(() => [])
  // Ids sort by time.
  const old = names
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .slice(0, -(MOST_FILES - 1))
  for (const name of old) await rm(join(folder, name), { force: true })
}

/**
 * Begins a replay on behalf of a person, in a child process.
 * @returns the id of its operation, as soon as it is recorded
 * @throws HttpError 409 while the maximum number of replays is running
 */
export async function beginReplay(
  app: App,
  who: Who,
  act: Act,
  spec: Omit<ReplaySpec, 'id' | 'by' | 'differencesTo'>,
): Promise<string> {
  if (running.size >= MOST_AT_ONCE)
    throw failure(409, 'BUSY', `${running.size} replays run already, begun on this page: wait for one of them, or end it`)
  const begun = Promise.withResolvers<string>()
  const aborter = new AbortController()
  const ended = operate(app.execute, { name: who.name, via: 'page' }, act, async (id) => {
    // Recorded before the child starts, so that the replay can be seen and cancelled at once.
    await noteReplay(app.db, { id, act: spec.act, view: spec.view, who: who.name })
    begun.resolve(id)
    const keepsRows = spec.act === 'dry-run' || spec.act === 'verify'
    if (keepsRows) await makeRoomForDifferences(app)
    const result = await replayInChild(
      app.db,
      { ...spec, id, by: who.name, ...(keepsRows && { differencesTo: differencesOf(app, id) }) },
      { env: app.env, signal: aborter.signal },
    )
    return { result: undefined, summary: summaryOf({ act: spec.act, result } as ReplayOutcome) }
  })
    // Errors after that are recorded with the operation.
    .then(() => {}, begun.reject)
    .finally(() => running.delete(one))
  const one: Running = { ended, aborter }
  running.add(one)
  return begun.promise
}

/** Number of replays begun by this process and still running. */
export const runningReplays = (): number => running.size

/** Cancels all replays begun here and waits until they end. Call it before the connections close. */
export async function endReplays(): Promise<void> {
  const all = [...running]
  for (const { aborter } of all) aborter.abort()
  await Promise.all(all.map(({ ended }) => ended))
}
