import { join } from 'node:path'
import { runProgram } from '../program.ts'
import { pythonEnvironment } from '../python/environment.ts'
import type { Listener } from './install.ts'

const SCRIPT = join(import.meta.dirname, 'project', 'devices.py')
const PATIENCE_MS = 8_000

/** The number of GPUs that the installation can use for transcription; also 0 when it cannot be determined. */
export async function usableGpus({ path, libraries }: Listener, signal?: AbortSignal): Promise<number> {
  const search = [...libraries, ...(process.env.LD_LIBRARY_PATH ? [process.env.LD_LIBRARY_PATH] : [])].join(':')
  const env = { ...pythonEnvironment(), ...(search && { LD_LIBRARY_PATH: search }) }
  const { stdout } = await runProgram(path, [SCRIPT], { env, timeoutMs: PATIENCE_MS, signal })
  return Number.parseInt(stdout, 10) || 0
}
