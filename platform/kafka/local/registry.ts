import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { processesCalledWith } from '../../processes.ts'
import { LocalKafkaError, PortTaken } from './error.ts'
import { javaProgram } from './java.ts'
import { complaint, ended, runJava, stopProcesses } from './java-process.ts'
import { fetched } from './maven.ts'
import { freePorts } from './ports.ts'

/** A schema registry that runs on this machine. */
export interface LocalRegistry {
  /** For SCHEMA_REGISTRY_URL. */
  url: string
  pid: number
  stop(): Promise<void>
}

export interface RegistryOptions {
  /** The folder for its data; created if missing. */
  dataDir: string
  /** The port for clients, used if free. */
  port?: number
  /** Receives messages for people, one line at a time. */
  log?: (line: string) => void
}

const READY_MS = 120_000
const POM = join(import.meta.dirname, 'registry', 'pom.xml')
/** An option that puts the folder into the command line, so that a registry left behind can be found. */
const ON = '-Dvidwiz.registry='

/**
 * Starts a real schema registry (Apicurio, with Confluent's API) with this machine's Java, listening on 127.0.0.1 only. First stops
 * a registry that a killed process left running on the same folder. Its data survives restarts.
 * @throws NoLocalKafka when this machine cannot run one
 * @throws LocalKafkaError
 */
export async function startRegistry({ dataDir, port, log = () => {} }: RegistryOptions): Promise<LocalRegistry> {
  const java = javaProgram()
  const program = await fetched('registry', POM, 'unpack', log)
  const folder = resolve(dataDir)
  mkdirSync(folder, { recursive: true })
  if (await stopRegistriesOn(folder)) log('stopped a schema registry that a killed process had left behind')
  for (let attempt = 1; ; attempt++) {
    const [chosen] = await freePorts(1, [port])
    try {
      return await start(java, program, folder, chosen!, log)
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === 3) throw error
    }
  }
}

async function start(java: string, program: string, folder: string, port: number, log: (line: string) => void) {
  const logFile = join(folder, 'registry.log')
  const jar = readdirSync(program).find((name) => name.endsWith('-runner.jar'))!
  const child = runJava(java, [...settings(folder, port), '-jar', join(program, jar)], logFile)
  child.unref()
  const said = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  let over = false
  let stopping = false
  void ended(child).then(() => {
    over = true
    if (!stopping) log(`the schema registry ended by itself: ${complaint(said())}`)
  })
  const stop = async () => {
    stopping = true
    await stopProcesses([child.pid!], ON)
  }
  const giveUp = performance.now() + READY_MS
  while (!(await answers(url))) {
    if (over) throw failed(said(), logFile)
    if (performance.now() > giveUp) {
      await stop()
      throw new LocalKafkaError(`The schema registry is not ready after ${READY_MS / 1000} s (more in ${logFile})`)
    }
    await pause(50)
  }
  return { url, pid: child.pid!, stop }
}

const failed = (log: string, file: string) => {
  const message = `The schema registry does not start: ${complaint(log)} (more in ${file})`
  return /already in use|already bound/i.test(log) ? new PortTaken(message) : new LocalKafkaError(message)
}

const answers = (url: string) =>
  fetch(`${url}/subjects`).then(
    (answer) => answer.ok,
    () => false,
  )

const settings = (folder: string, port: number) => [
  `${ON}${folder}/`,
  '-Dquarkus.http.host=127.0.0.1',
  `-Dquarkus.http.port=${port}`,
  '-Dquarkus.log.level=WARN',
  '-Dquarkus.http.access-log.enabled=false',
  '-Dquarkus.otel.sdk.disabled=true',
  '-Dapicurio.storage.sql.kind=h2',
  `-Dapicurio.datasource.url=jdbc:h2:file:${join(folder, 'schemas')}`,
]

async function stopRegistriesOn(folder: string): Promise<number> {
  const left = processesCalledWith(`${ON}${folder}/ `)
  await stopProcesses(left, ON)
  return left.length
}

/** Stops a registry that runs on a data folder and deletes the folder. */
export async function destroyRegistry(dataDir: string) {
  const folder = resolve(dataDir)
  await stopRegistriesOn(folder)
  rmSync(folder, { recursive: true, force: true })
}
