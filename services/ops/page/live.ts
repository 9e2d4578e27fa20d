import type { Look } from '../../operations/look.ts'
import { ApiError, get } from './api.ts'

/** State of the connection to the server. `since`: milliseconds since the epoch, by this machine's clock. */
export type Connection = { state: 'connecting' | 'live' | 'hidden' } | { state: 'away'; since: number; why: string }

const AGAIN_MS = 1_000
/** Reconnect after this long without a look, although no error was seen. */
const SILENT_MS = 15_000

/**
 * Follows the server's looks while the tab is visible, and reconnects by itself.
 * @returns a function that stops it
 */
export function live(onLook: (look: Look) => void, onConnection: (connection: Connection) => void): () => void {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let awaySince: number | undefined
  let isStopped = false

  const close = () => {
    clearTimeout(timer)
    source?.close()
    source = undefined
  }

  const open = () => {
    close()
    if (isStopped || document.hidden) return
    const stream = new EventSource('/api/live')
    source = stream
    const expect = () => {
      clearTimeout(timer)
      timer = setTimeout(() => failed('nothing came from the server'), SILENT_MS)
    }
    expect()
    stream.addEventListener('look', ({ data }: MessageEvent<string>) => {
      if (source !== stream) return
      awaySince = undefined
      expect()
      onConnection({ state: 'live' })
      onLook(JSON.parse(data) as Look)
    })
    stream.addEventListener('error', () => {
      if (source === stream) failed('the server is away')
    })
  }

  const failed = (why: string) => {
    close()
    awaySince ??= Date.now()
    onConnection({ state: 'away', since: awaySince, why })
    timer = setTimeout(() => void reconnect(), AGAIN_MS)
  }

  /** An EventSource does not say why it failed, so ask with a request; without a session, stop retrying. */
  const reconnect = async () => {
    try {
      await get('/api/me')
    } catch (error) {
      if (isStopped || document.hidden) return
      if (error instanceof ApiError && error.status === 401) return onConnection({ state: 'connecting' })
      return failed(error instanceof ApiError && error.status > 0 ? error.message : 'the server is away')
    }
    open()
  }

  const onVisibility = () => {
    if (document.hidden) {
      close()
      onConnection({ state: 'hidden' })
    } else {
      onConnection({ state: 'connecting' })
      open()
    }
  }

  document.addEventListener('visibilitychange', onVisibility)
  open()
  return () => {
    isStopped = true
    close()
    document.removeEventListener('visibilitychange', onVisibility)
  }
}
