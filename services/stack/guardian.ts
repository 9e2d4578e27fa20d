import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const AFTERWARDS = fileURLToPath(new URL('guardian-main.ts', import.meta.url))

/**
 * Stops the database server and the brokers of a data folder if this process is killed; they are independent of it and would keep
 * running. A shell, which costs almost nothing, waits for the end of this process and then starts the cleanup.
 * @returns a function that cancels this, for a stop that has stopped them already
 */
export function guard(dataDir: string, kafkaFolder: string | undefined): () => void {
  const script = 'read -r _; exec "$@"'
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', AFTERWARDS, dataDir, kafkaFolder ?? '']
  // Its stdin ends with this process. It has a process group of its own, like the parts, so that Ctrl-C does not reach it.
  const shell = spawn('sh', ['-c', script, 'sh', ...command], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  // Optional: without it, only a killed supervisor leaves them running, and the next start takes them over.
  shell.on('error', () => {})
  shell.stdin.on('error', () => {})
  shell.unref()
  return () => void shell.kill()
}
