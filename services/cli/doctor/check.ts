import { within } from '#platform/deadline.ts'
/** The result of a check. `missing`: absent, but could be there; `warning`: works, with a reservation; `failed`: does not work. */
export interface Finding {
  state: 'ok' | 'missing' | 'warning' | 'failed'
  /** A few words on the current state; never a secret. */
  detail: string
  /** The functions that do not work because of it. */
  cost?: string
  /** Advice for a person. */
  remedy?: string
}

/** A check of something that VidWiz relies on. */
export interface Check {
  name: string
  /** Whether nothing works without it, or something that the settings ask for does not. */
  isNeeded: boolean
  /** The cost when the check hangs or throws, so that it cannot tell itself. */
  cost: string
  look(signal: AbortSignal): Promise<Finding> | Finding
}

export interface Checked extends Finding {
  name: string
  isNeeded: boolean
}

export const ok = (detail: string): Finding => ({ state: 'ok', detail })

/** Disables checks if the settings leave out all services that need them: others run these services elsewhere. */
export const unlessLeftOut = (
  without: readonly string[],
  services: readonly string[],
  checks: readonly Check[],
): readonly Check[] =>
  services.every((name) => without.includes(name))
    ? checks.map((check) => ({
        ...check,
        isNeeded: false,
        look: () => ok(`not needed here: VIDWIZ_WITHOUT leaves out ${services.join(' and ')}`),
      }))
    : checks

/** Runs all checks in parallel. A check that hangs or throws counts as failed and does not hold up the others. */
export const examine = (checks: readonly Check[], withinMs: number): Promise<Checked[]> =>
  Promise.all(checks.map(async (check) => ({ name: check.name, isNeeded: check.isNeeded, ...(await bounded(check, withinMs)) })))

async function bounded({ look, cost }: Check, withinMs: number): Promise<Finding> {
  const late = new AbortController()
  try {
    return await within(withinMs, (async () => look(late.signal))(), (): Finding => {
      late.abort()
      return { state: 'failed', detail: `did not answer within ${withinMs / 1000} s`, cost }
    })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    return { state: 'failed', detail: message || code || 'failed', cost }
  }
}

/** Whether everything needed works. */
export const isWell = (checked: readonly Checked[]): boolean =>
  checked.every(({ isNeeded, state }) => !isNeeded || state === 'ok' || state === 'warning')
