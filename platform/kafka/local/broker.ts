import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { processesCalledWith } from '../../processes.ts'
import { brokersSeenFrom } from './answers.ts'
import { LocalKafkaError, PortTaken } from './error.ts'
import { complaint, ended, runJava, stopProcesses } from './java-process.ts'
import { type Ports, serverProperties } from './server-properties.ts'

/** One broker of a local Kafka: a Java process with its own folder. */
export interface Broker {
  /** Counts from 1. */
  id: number
  /** host:port for clients; stays the same when the broker restarts. */
  address: string
  folder: string
  /** Its process id; undefined while it does not run. */
  readonly pid: number | undefined
  /** Starts the broker; resolves when it has joined the cluster. @throws LocalKafkaError */
  start(): Promise<void>
  /** Shuts the broker down cleanly: it hands over its partitions and flushes its data to disk. */
  stop(): Promise<void>
  /** Kills the broker at once (kill -9). */
  kill(): Promise<void>
}

export type Program = { java: string; jars: string }

const MAIN = 'kafka.Kafka'
const LOGGING = `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.properties')}`
const READY_MS = 120_000

/** @param onEnd called when the process ended by itself, with its last error message */
export function broker(
  { java, jars }: Program,
  { id, cluster, clusterId, folder }: { id: number; cluster: Ports[]; clusterId: string; folder: string },
  onEnd: (id: number, said: string) => void,
): Broker {
  const address = `127.0.0.1:${cluster[id - 1]!.clients}`
  const properties = join(folder, 'server.properties')
  const data = join(folder, 'data')
  const logFile = join(folder, 'broker.log')
  let child: ChildProcess | undefined
  /** Counts starts, stops and kills. A start that finds the number changed was overtaken by another call. */
  let turn = 0

  const run = (main: string, args: string[]) => runJava(java, [LOGGING, '-cp', join(jars, '*'), main, ...args], logFile)
  const said = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')

  /** True when the data folder has both files. Formatting was interrupted if one is missing: no broker ever used the folder. */
  const isFormatted = () => existsSync(join(data, 'meta.properties')) && existsSync(join(data, 'bootstrap.checkpoint'))

  async function format() {
    rmSync(data, { recursive: true, force: true })
    const tool = run('kafka.tools.StorageTool', ['format', '-t', clusterId, '-c', properties])
    if ((await ended(tool)) !== 0) throw new LocalKafkaError(`Kafka cannot make its data folder ${data}: ${complaint(said())}`)
  }

  async function start() {
    if (child) return
    turn++
    const mine = turn
    const assertNotStopped = () => {
      if (turn !== mine) throw new LocalKafkaError(`Broker ${id} was stopped while it started`)
    }
    mkdirSync(folder, { recursive: true })
    await stopBrokersOn(folder)
    assertNotStopped()
    writeFileSync(properties, serverProperties(id, cluster, data))
    if (!isFormatted()) await format()
    assertNotStopped()
    const started = run(MAIN, [properties])
    started.unref()
    child = started
    let over = false
    void ended(started).then(() => {
      over = true
      if (child !== started) return
      child = undefined
      onEnd(id, complaint(said()))
    })
    const giveUp = performance.now() + READY_MS
    while (!(await brokersSeenFrom(address)).includes(id)) {
      assertNotStopped()
      if (over) throw failed(said())
      if (performance.now() > giveUp) {
        await kill()
        throw new LocalKafkaError(
          `Broker ${id} is not ready after ${READY_MS / 1000} s: ${complaint(said())} (more in ${logFile})`,
        )
      }
      await pause(50)
    }
  }

  const failed = (log: string) => {
    const message = `Broker ${id} does not start: ${complaint(log)} (more in ${logFile})`
    return /Address already in use/.test(log) ? new PortTaken(message) : new LocalKafkaError(message)
  }

  async function stop() {
    turn++
    const running = child
    child = undefined
    if (running?.pid) await stopProcesses([running.pid], MAIN)
  }

  async function kill() {
    turn++
    const running = child
    child = undefined
    if (!running?.pid) return
    running.ref()
    running.kill('SIGKILL')
    await ended(running)
  }

  return {
    id,
    address,
    folder,
    get pid() {
      return child?.pid
    },
    start,
    stop,
    kill,
  }
}

/**
 * Stops the brokers of a folder and of folders below it, regardless of which process started them. Acknowledged records are on disk.
 * @returns the number of brokers stopped
 */
export async function stopBrokersOn(folder: string): Promise<number> {
  const left = processesCalledWith(`${MAIN} ${folder}/`)
  await stopProcesses(left, MAIN)
  return left.length
}
