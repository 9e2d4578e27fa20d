import { createServer } from 'node:net'
import type { Settings } from '#platform/config/settings.ts'
import { keyNameOf } from '#platform/llm/key.ts'
import { leftOut } from '../../kit/left-out.ts'
import { type Check, type Finding, ok } from './check.ts'

const NO_API = 'the API cannot start'
const NO_CHAT = 'Wiz chat answers 500'

/** The API's port, and the keys for outside services. */
export const edgeChecks = (settings: Settings): Check[] => [
  { name: `port ${settings.PORT}`, isNeeded: true, cost: NO_API, look: (signal) => port(settings, signal) },
  { name: 'model key', isNeeded: false, cost: NO_CHAT, look: () => modelKey(settings) },
  key('YOUTUBE_API_KEY', settings.YOUTUBE_API_KEY, '`/v2/notes/by-title` answers 500'),
  key('GOOGLE_CLIENT_ID', settings.GOOGLE_CLIENT_ID, 'nobody signs in with Google'),
]

/** @param value never shown */
const key = (name: string, value: string | undefined, cost: string): Check => ({
  name,
  isNeeded: false,
  cost,
  look: () => (value ? ok('set') : { state: 'missing', detail: 'not set', cost, remedy: `set ${name}` }),
})

async function port({ PORT, HOST }: Settings, signal: AbortSignal): Promise<Finding> {
  const problem = await listening(PORT, HOST)
  if (!problem) return ok('free')
  if (problem === 'EADDRINUSE' && (await isOurs(PORT, HOST, signal))) return ok('the API answers')
  const detail = problem === 'EADDRINUSE' ? 'another program uses it' : `cannot be used on ${HOST} (${problem})`
  return { state: 'failed', detail, cost: NO_API, remedy: 'set PORT (or HOST) to another one' }
}

/** @returns why the port cannot be listened on; undefined if it can */
const listening = (port: number, host: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'))
    probe.listen(port, host, () => probe.close(() => resolve(undefined)))
  })

const isOurs = async (port: number, host: string, signal: AbortSignal): Promise<boolean> => {
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  try {
    const answer = await fetch(`http://${shown.includes(':') ? `[${shown}]` : shown}:${port}/health`, { signal })
    return ['ok', 'unavailable'].includes(((await answer.json()) as { status: string }).status)
  } catch {
    return false
  }
}

function modelKey(settings: Settings): Finding {
  const [name, provider] = [keyNameOf(settings), settings.LLM_PROVIDER]
  if (settings[name]) return ok(`${name} is set, for ${provider}`)
  const { withoutKey } = leftOut(settings)
  return {
    state: 'missing',
    detail: `${name} is not set, for ${provider}`,
    cost: withoutKey ? `${NO_CHAT}; ${withoutKey.what} idle: what is asked for meanwhile waits` : NO_CHAT,
    remedy: `set ${name}, or another LLM_PROVIDER`,
  }
}
