import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { withFileLock } from '../file-lock.ts'
import { ytDlpFolder } from './install.ts'

/**
 * A circuit breaker for requests to YouTube. `open`: no helper asks before `until`. `half-open`: that time has passed, and one helper
 * tries one task while the others wait for its result.
 */
export type Breaker =
  | { state: 'closed' }
  | { state: 'open' | 'half-open'; since: number; until: number; reason: string; times: number }

const FIRST_MS = 15 * 60_000
const LONGEST_MS = 24 * 3_600_000
/** For this long after YouTube refused us, its statements about a video are not trusted. */
const DOUBT_MS = 24 * 3_600_000

/** The stored state. All times are milliseconds since the epoch. */
const Kept = z.object({
  open: z
    .object({
      since: z.number(),
      until: z.number(),
      reason: z.string(),
      /** Refusals in a row. */
      times: z.int().positive(),
      /** The helper that tries, and until when the others wait for it. */
      trial: z.object({ by: z.string(), until: z.number() }).optional(),
    })
    .optional(),
  lastRefusedAt: z.number().optional(),
})
type Kept = z.output<typeof Kept>

/** Does not create the folder, because reading happens every second. */
const fileOf = (data: string) => join(resolve(data), 'yt-dlp', 'breaker.json')

/** An invalid file counts as none: at worst YouTube is asked once too often. */
function read(data: string): Kept {
  const file = fileOf(data)
  if (!existsSync(file)) return {}
  try {
    return Kept.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return {}
  }
}

/** Changes the state under a file lock, so concurrent changes do not overwrite each other. Readers see the old or the new state. */
const change = (data: string, to: (kept: Kept) => Kept) =>
  withFileLock(join(ytDlpFolder(data), 'breaker.lock'), () => {
    const before = read(data)
    const after = to(before)
    if (after === before) return before
    const unfinished = `${fileOf(data)}.${randomUUID()}`
    try {
      writeFileSync(unfinished, JSON.stringify(after), { mode: 0o600 })
      renameSync(unfinished, fileOf(data))
    } finally {
      rmSync(unfinished, { force: true })
    }
    return after
  })

/** The state of this installation's breaker, for display and metrics. */
export function readBreaker(data: string, now = Date.now()): Breaker {
  const { open } = read(data)
  if (!open) return { state: 'closed' }
  const { since, until, reason, times } = open
  return { state: now < until ? 'open' : 'half-open', since, until, reason, times }
}

/** True when YouTube has refused us recently, so that its "there are no captions" may be false. */
export function isInDoubt(data: string, now = Date.now()): boolean {
  const { lastRefusedAt } = read(data)
  return lastRefusedAt !== undefined && now - lastRefusedAt < DOUBT_MS
}

/** Opens the breaker after a refusal by YouTube; the time doubles with each refusal in a row. Does nothing if it is open. */
export async function openBreaker(data: string, reason: string, now = Date.now()): Promise<void> {
  await change(data, (kept) => {
    const { open } = kept
    if (open && now < open.until) return kept
    const times = (open?.times ?? 0) + 1
    const until = now + Math.min(LONGEST_MS, FIRST_MS * 2 ** (times - 1))
    return { lastRefusedAt: now, open: { since: open?.since ?? now, until, reason, times } }
  })
}

/** Closes the breaker after a successful trial. Ignores other helpers, whose requests may be from before the refusal. */
export async function trialSucceeded(data: string, who: string): Promise<void> {
  if (read(data).open?.trial?.by !== who) return
  await change(data, (kept) => (kept.open?.trial?.by === who ? { lastRefusedAt: kept.lastRefusedAt } : kept))
}

/** Closes the breaker by order of an operator. */
export async function closeBreaker(data: string): Promise<void> {
  if (!read(data).open) return
  await change(data, ({ lastRefusedAt }) => ({ lastRefusedAt }))
}

/**
 * True when a helper may take a task. While half-open only the first helper that asks may, for `trialMs`.
 * @param who stable, unique id of the helper
 */
export async function mayAsk(data: string, who: string, trialMs: number, now = Date.now()): Promise<boolean> {
  const { open } = read(data)
  if (!open) return true
  if (now < open.until) return false
  const { open: after } = await change(data, (kept) => {
    const { open } = kept
    const isTaken = open?.trial && open.trial.by !== who && now < open.trial.until
    if (!open || now < open.until || isTaken) return kept
    return { ...kept, open: { ...open, trial: { by: who, until: now + trialMs } } }
  })
  return !after || (now >= after.until && after.trial?.by === who)
}

/** Ends a helper's trial without a result, so that another helper can try. */
export async function endTrial(data: string, who: string): Promise<void> {
  if (read(data).open?.trial?.by !== who) return
  await change(data, (kept) => {
    if (kept.open?.trial?.by !== who) return kept
    const { trial: _, ...open } = kept.open
    return { ...kept, open }
  })
}
