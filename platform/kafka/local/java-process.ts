import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { commandLine, until } from '../../processes.ts'
import { LocalKafkaError } from './error.ts'

/** JVM options for small machines: quick start, little memory, one garbage collector thread. */
const JVM = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true']

const STOP_MS = 20_000

/** Starts a Java program with its output only in `logFile`. It outlives this process, so the caller has to stop it. */
export function runJava(java: string, args: string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'w', 0o600)
  try {
    // A file, because a pipe would end with this process. Detached, so that Ctrl-C in the terminal reaches only this process.
    return spawn(java, [...JVM, ...args], { stdio: ['ignore', log, log], detached: true })
  } finally {
    closeSync(log)
  }
}

/** Resolves when a process has ended, to its exit code, or null if it has none. */
export const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode)
    child.once('exit', (code) => resolve(code)).once('error', () => resolve(null))
  })

/**
 * Stops processes cleanly with SIGTERM; with SIGKILL when that takes too long.
 * @param calledWith a part of their command lines, because another process may have reused a pid
 * @throws LocalKafkaError when they do not stop
 */
export async function stopProcesses(pids: number[], calledWith: string) {
  for (const [signal, patienceMs] of [
    ['SIGTERM', STOP_MS],
    ['SIGKILL', 5_000],
  ] as const) {
    const running = () => pids.filter((pid) => commandLine(pid)?.includes(calledWith))
    for (const pid of running()) process.kill(pid, signal)
    if (await until(() => running().length === 0, patienceMs)) return
  }
  throw new LocalKafkaError(`Process ${pids.join(', ')} (${calledWith}) does not stop`)
}

/** The line of an output that most likely says what is wrong: the innermost cause. */
export function complaint(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  return (lines.findLast((line) => /Caused by|Exception|ERROR/.test(line)) ?? lines.at(-1) ?? 'it printed nothing').trim()
}
