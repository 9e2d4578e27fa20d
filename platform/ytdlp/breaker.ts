import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { withFileLock } from '../file-lock.ts'
import { ytDlpFolder } from './install.ts'

/**
 * Whether YouTube may be asked. `open`: nobody asks until then. `half-open`: that time has passed, and one tries with one task
 * while the others wait for what comes of it.
 */
export type Breaker =
  | { state: 'closed' }
  | { state: 'open' | 'half-open'; since: number; until: number; reason: string; times: number }

const FIRST_MS = 15 * 60_000
const LONGEST_MS = 24 * 3_600_000
/** So long after YouTube refused us, what it says about a video is not to be trusted. */
const DOUBT_MS = 24 * 3_600_000

/** All moments in milliseconds since the epoch. */
const Kept = z.object({
  open: z
    .object({
      since: z.number(),
      until: z.number(),
      reason: z.string(),
      /** In a row. */
      times: z.int().positive(),
      /** Who tries, and until when the others believe so. */
      trial: z.object({ by: z.string(), until: z.number() }).optional(),
    })
    .optional(),
  lastRefusedAt: z.number().optional(),
})
type Kept = z.output<typeof Kept>

/** To read, which happens every second, no folder need be made. */
const fileOf = (data: string) => join(resolve(data), 'yt-dlp', 'breaker.json')

/** A file that makes no sense counts as none: at worst YouTube is asked once too often. */
function read(data: string): Kept {
  const file = fileOf(data)
  if (!existsSync(file)) return {}
  try {
    return Kept.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return {}
  }
}

/** Whoever reads meanwhile sees the old or the new, and of two who write at once none undoes what the other one knew. */
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

/** What the breaker of this installation stands on, for people and for figures. */
export function readBreaker(data: string, now = Date.now()): Breaker {
  const { open } = read(data)
  if (!open) return { state: 'closed' }
  const { since, until, reason, times } = open
  return { state: now < until ? 'open' : 'half-open', since, until, reason, times }
}

/** Whether YouTube has refused us lately, so that "there are no captions" may be a lie. */
export function isInDoubt(data: string, now = Date.now()): boolean {
  const { lastRefusedAt } = read(data)
  return lastRefusedAt !== undefined && now - lastRefusedAt < DOUBT_MS
}

/** YouTube refuses: nobody asks for a while, twice as long each time in a row. Does nothing if it is open. */
export async function openBreaker(data: string, reason: string, now = Date.now()): Promise<void> {
  await change(data, (kept) => {
    const { open } = kept
    if (open && now < open.until) return kept
    const times = (open?.times ?? 0) + 1
    const until = now + Math.min(LONGEST_MS, FIRST_MS * 2 ** (times - 1))
    return { lastRefusedAt: now, open: { since: open?.since ?? now, until, reason, times } }
  })
}

/** YouTube has answered who tries. The answer to a question from before the refusal says nothing. */
export async function trialSucceeded(data: string, who: string): Promise<void> {
  if (read(data).open?.trial?.by !== who) return
  await change(data, (kept) => (kept.open?.trial?.by === who ? { lastRefusedAt: kept.lastRefusedAt } : kept))
}

/** A person wants it so. */
export async function closeBreaker(data: string): Promise<void> {
  if (!read(data).open) return
  await change(data, ({ lastRefusedAt }) => ({ lastRefusedAt }))
}

/**
 * Asks whether a helper may take a task. Half-open, one of them may: who asked first, for as long as it says.
 * @param who the same each time, and nobody else's
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

/** Lets another one try. */
export async function endTrial(data: string, who: string): Promise<void> {
  if (read(data).open?.trial?.by !== who) return
  await change(data, (kept) => {
    if (kept.open?.trial?.by !== who) return kept
    const { trial: _, ...open } = kept.open
    return { ...kept, open }
  })
}
