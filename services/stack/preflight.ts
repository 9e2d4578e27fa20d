import { createServer } from 'node:net'
import { Trouble } from '#platform/service.ts'

/**
 * Finds out whether a port is free before anything is started, so that a second `make start` changes nothing.
 * @throws Trouble when it is not
 */
export function portIsFree(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Trouble(
          error.code === 'EADDRINUSE'
            ? `port ${port} is in use; set PORT to another one`
            : `cannot listen on ${host}:${port}: ${error.code}`,
        ),
      ),
    )
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}
