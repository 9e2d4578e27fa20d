import { join } from 'node:path'
import { dataFolder } from '../../config/data-folder.ts'
import { readSettings } from '../../config/settings.ts'
import { plain } from '../../service.ts'

/**
 * Runs a local server for developers until Ctrl-C, prints how to reach it, and ends the process.
 * @param folder for the server's data, below the data folder
 * @param start resolves when the server runs; `env` is the environment variable for its clients
 */
export async function foreground(
  folder: string,
  start: (dataDir: string) => Promise<{ env: string; stop(): Promise<void> }>,
): Promise<never> {
  setInterval(() => {}, 2 ** 30) // keeps this process alive: the server is a detached process
  const interrupted = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, resolve)
  })
  try {
    const dataDir = join(dataFolder(readSettings().VIDWIZ_DATA), folder)
    const { env, stop } = await start(dataDir)
    console.log(env)
    console.error(`runs, its data in ${dataDir}; Ctrl-C stops it`)
    await interrupted
    await stop()
    process.exit(0)
  } catch (error) {
    console.error(plain(error))
    process.exit(1)
  }
}
