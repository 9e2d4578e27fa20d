import { runProgram } from '../program.ts'
import { installerEnvironment } from './environment.ts'

/** The oldest version that the pinned projects (yt-dlp, faster-whisper) support. */
export const OLDEST_PYTHON = '3.11'

export interface Python {
  path: string
  /** Such as `3.11`. */
  version: string
}

/** The machine's default Python first. */
const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python']
const ASK = 'import sys; print("%d.%d" % sys.version_info[:2], sys.executable)'
const PATIENCE_MS = 15_000

export interface PythonSearch {
  found?: Python
  /** Versions found that are too old, such as `3.9`. */
  tooOld: string[]
}

/** Looks for a Python that is new enough: on the PATH, then among those that uv manages. Downloads nothing. */
export async function findPython(env: NodeJS.ProcessEnv = process.env): Promise<PythonSearch> {
  const tooOld = new Set<string>()
  const bounds = { env: installerEnvironment(env), timeoutMs: PATIENCE_MS }
  const ask = async (program: string): Promise<Python | undefined> => {
    const { code, stdout } = await runProgram(program, ['-I', '-c', ASK], bounds)
    const [, version, path] = /^(\d+\.\d+) (.+)$/m.exec(stdout) ?? []
    if (code !== 0 || !version || !path) return undefined
    if (isAtLeast(version, OLDEST_PYTHON)) return { path, version }
    tooOld.add(version)
  }
  for (const name of NAMES) {
    const found = await ask(name)
    if (found) return { found, tooOld: [...tooOld] }
  }
  const uv = await runProgram('uv', ['python', 'find', '--no-config', '--no-python-downloads', `>=${OLDEST_PYTHON}`], bounds)
  const found = uv.code === 0 ? await ask(uv.stdout.trim()) : undefined
  return { found, tooOld: [...tooOld] }
}

/** Compares versions of dot-separated numbers, such as 2026.10.26 and 3.9. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

export const isAtLeast = (version: string, least: string): boolean => compareVersions(version, least) >= 0
