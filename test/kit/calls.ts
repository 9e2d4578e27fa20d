import { once } from 'node:events'
import { eventually } from './eventually.ts'

const ours = new URL('../../', import.meta.url).href

/** Functions of ours that ran, by file: `platform/clock.ts` → `now`. */
export type Calls = ReadonlyMap<string, ReadonlySet<string>>

export interface CallCounter {
  /** The functions that were called since the last `take`. Loading a file is no call. */
  take(): Promise<Calls>
  close(): void
}

interface Coverage {
  url: string
  functions: { functionName: string; ranges: { startOffset: number; count: number }[] }[]
}

/** Counts the calls in a process whose inspector listens on this port. */
export async function countCalls(port: number): Promise<CallCounter> {
  const [target] = await eventually(async () => (await fetch(`http://127.0.0.1:${port}/json/list`)).json())
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  await once(socket, 'open')
  let last = 0
  const send = async (method: string, params: object = {}) => {
    const id = ++last
    const answer = new Promise<{ result: unknown; error?: object }>((resolve) => {
      const listen = ({ data }: MessageEvent) => {
        const message = JSON.parse(data)
        if (message.id !== id) return
        socket.removeEventListener('message', listen)
        resolve(message)
      }
      socket.addEventListener('message', listen)
    })
    socket.send(JSON.stringify({ id, method, params }))
    const { result, error } = await answer
    if (error) throw new Error(`${method}: ${JSON.stringify(error)}`)
    return result
  }
  await send('Profiler.enable')
  await send('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  return {
    async take() {
      const { result } = (await send('Profiler.takePreciseCoverage')) as { result: Coverage[] }
      const files = result.filter(({ url }) => url.startsWith(ours) && !url.includes('/node_modules/'))
      return new Map(
        files
          .map(({ url, functions }) => [url.slice(ours.length), namesOf(functions)] as const)
          .filter(([, names]) => names.size > 0),
      )
    },
    close: () => socket.close(),
  }
}

/** Without the module itself, whose only range begins at 0. */
const namesOf = (functions: Coverage['functions']): Set<string> =>
  new Set(
    functions
      .filter(({ functionName, ranges: [whole] }) => whole!.count > 0 && !(functionName === '' && whole!.startOffset === 0))
      .map(({ functionName }) => functionName),
  )
