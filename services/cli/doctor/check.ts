/** What a check found. `missing`: not there, though it could be; `warning`: it works, with a reservation; `failed`: it does not work. */
export interface Finding {
  state: 'ok' | 'missing' | 'warning' | 'failed'
  /** What was found, in a few words; never a secret. */
  detail: string
  /** What does not work for want of it. */
  cost?: string
  /** What a person can do. */
  remedy?: string
}

/** Something that VidWiz relies on. */
export interface Check {
  name: string
  /** Whether nothing works without it, or not what was asked for in the settings. */
  isNeeded: boolean
  /** What is lost when it hangs or throws, so that it cannot say so itself. */
  cost: string
  look(signal: AbortSignal): Promise<Finding> | Finding
}

export interface Checked extends Finding {
  name: string
  isNeeded: boolean
}

export const ok = (detail: string): Finding => ({ state: 'ok', detail })

/** Checks for nothing if all services that need it are run by somebody else. */
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

/** Looks at everything at once. What hangs or throws has failed, and keeps nobody from telling about the rest. */
export const examine = (checks: readonly Check[], withinMs: number): Promise<Checked[]> =>
  Promise.all(checks.map(async (check) => ({ name: check.name, isNeeded: check.isNeeded, ...(await bounded(check, withinMs)) })))

async function bounded({ look, cost }: Check, withinMs: number): Promise<Finding> {
  const late = new AbortController()
  const { promise, resolve } = Promise.withResolvers<Finding>()
  const timer = setTimeout(() => {
    resolve({ state: 'failed', detail: `did not answer within ${withinMs / 1000} s`, cost })
    late.abort()
  }, withinMs)
  try {
    return await Promise.race([promise, (async () => look(late.signal))()])
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    return { state: 'failed', detail: message || code || 'failed', cost }
  } finally {
    clearTimeout(timer)
  }
}

/** Whether all that is needed is there. */
export const isWell = (checked: readonly Checked[]): boolean =>
  checked.every(({ isNeeded, state }) => !isNeeded || state === 'ok' || state === 'warning')
