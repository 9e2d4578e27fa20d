import { createServer } from 'node:net'
import { OperatorError } from '#platform/service.ts'

/**
 * Checks before anything is started that a port is free, so that a second `make start` changes nothing.
 * @throws OperatorError when it is not
 */
export function portIsFree(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new OperatorError(
          error.code === 'EADDRINUSE'
            ? `port ${port} is in use; set PORT to another one`
            : `cannot listen on ${host}:${port}: ${error.code}`,
        ),
      ),
    )
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}

/** Whether a port can be listened on. */
export const isFree = (port: number, host: string): Promise<boolean> =>
  portIsFree(port, host).then(
    () => true,
    () => false,
  )
