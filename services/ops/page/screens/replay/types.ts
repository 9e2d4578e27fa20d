/** Current state of a view. Times in milliseconds since the epoch. */
export interface ViewNow {
  view: string
  topic: string
  version: number
  liveVersion: number | null
  builtAt: number | null
}

export interface ReplayRun {
  id: string
  act: string
  view: string
  who: string
  phase: string
  events: number
  total: number
  rate: number
  etaSeconds: number | null
  /** Share of the time that it works: while people are served it pauses. */
  pace: number
  startedAt: number
  beatAt: number
  endedAt: number | null
  outcome: string | null
  /** Whether somebody asked to cancel it. */
  cancelled: boolean
  error: string | null
  /** Only in the list. */
  reason?: string | null
}

export interface Replays {
  views: ViewNow[]
  replays: ReplayRun[]
}

export interface ShownDifference {
  id: string
  /** Names of the fields that differ. */
  fields: string[]
  live: Record<string, unknown> | null
  replayed: Record<string, unknown> | null
}

export interface Compared {
  live: number
  replayed: number
  missing: number
  extra: number
  different: number
  rows: ShownDifference[]
}

export interface PastView {
  id: string
  view: string
  pos: number
  at: number | null
  rows: number
  by: string
  madeAt: number
  table: string
}
