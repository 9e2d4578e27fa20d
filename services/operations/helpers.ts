import { closeBreaker, readBreaker } from '#platform/ytdlp/breaker.ts'
import type { Act, Done } from './operation.ts'

/** The recorded form of resuming the helpers. */
export const helpersResumeAct: Act = { act: 'resume-helpers', target: 'helpers', command: 'npx vidwiz helpers resume' }

/**
 * Lets helpers ask YouTube again at once, although it refused.
 * @param data the data folder that the helpers share
 */
export async function resumeHelpers(data: string): Promise<Done<string>> {
  const wasOpen = readBreaker(data).state !== 'closed'
  await closeBreaker(data)
  const summary = wasOpen ? 'helpers ask YouTube again' : 'the breaker was closed: helpers ask YouTube anyway'
  return { result: summary, summary }
}
