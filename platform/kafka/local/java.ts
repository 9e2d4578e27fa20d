import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { NoLocalKafka } from './error.ts'

/** The oldest Java on which Kafka's brokers run. */
const OLDEST = 17

/**
 * The Java of this machine: of JAVA_HOME, else the first in PATH.
 * @throws NoLocalKafka when there is none, or only one too old for Kafka
 */
export function javaProgram(): string {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java'
  const { status, stderr, error } = spawnSync(java, ['-version'], { encoding: 'utf8' })
  if (status !== 0)
    throw new NoLocalKafka(`${java} does not run (${error?.message ?? stderr.trim()}): install Java ${OLDEST} or newer`)
  const version = majorVersion(stderr)
  if (version < OLDEST) throw new NoLocalKafka(`${java} is Java ${version}: Kafka needs ${OLDEST} or newer`)
  return java
}

/** Reads what `java -version` prints: `openjdk version "17.0.15" …`, and `"1.8.0_392"` of old ones. */
export const majorVersion = (printed: string): number => Number(/version "(?:1\.)?(\d+)/.exec(printed)?.[1] ?? 0)
