import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pythonEnvironment } from '../../platform/python/environment.ts'

/** Plain faster-whisper with VidWiz's settings; the model is loaded. */
export async function bareWhisper(run: string, model: string, threads: number) {
  const args = [join(import.meta.dirname, 'bare_whisper.py'), model, String(threads)]
  const child = spawn(run, args, { env: pythonEnvironment(), stdio: ['pipe', 'pipe', 'ignore'] })
  const lines = createInterface(child.stdout)
  await once(lines, 'line')
  return {
    pid: child.pid!,
    async hear(file: string) {
      const heard = once(lines, 'line')
      child.stdin.write(`${file}\n`)
      await heard
    },
    async close() {
      child.kill('SIGKILL')
      await once(child, 'close')
    },
  }
}
