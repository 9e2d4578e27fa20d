import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { NoLocalKafka } from './error.ts'

/** The oldest Java version that Kafka's brokers support. */
const OLDEST = 17

/**
 * The Java program of this machine: from JAVA_HOME, otherwise from PATH.
 * @throws NoLocalKafka when there is none, or it is too old for Kafka
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

/** Parses the output of `java -version`: `openjdk version "17.0.15" …`, or `"1.8.0_392"` for old versions. */
export const majorVersion = (printed: string): number => Number(/version "(?:1\.)?(\d+)/.exec(printed)?.[1] ?? 0)
