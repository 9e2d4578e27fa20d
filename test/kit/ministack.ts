import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { processesCalledWith, until } from '#platform/processes.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { testFolder } from './parts/folder.ts'
import { afterAll, FIRST_START_MS } from './parts/shared.ts'

/** Same version as in docker-compose.yml (`ministackorg/ministack`). */
export const MINISTACK_VERSION = '1.5.33'

/** S3, SQS and Lambda in one local server; its data is lost when it ends. */
export interface Ministack {
  url: string
  /** Environment of clients: VidWiz's services, or any AWS SDK. */
  env: { AWS_ENDPOINT_URL: string; AWS_REGION: string; AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string }
  /** Output so far. */
  output(): string
  stop(): Promise<void>
}

const PYTHONS = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10']
const START_MS = 30_000
const STOP_MS = 5_000

/** The installed packages; installed once per run, on first use. */
let installing: Promise<{ python: string; folder: string } | string> | undefined
const started = new Set<Ministack>()

/**
 * A MiniStack for one test, on a free port of 127.0.0.1. It ends with the run at the latest, and runs zipped Lambdas without
 * Docker. Call it in `before`: without Python ≥ 3.10 with pip it skips the tests, or fails with REQUIRE_MINISTACK=1.
 * @param test the `this` of the calling hook or test
 * @param env additional settings of MiniStack
 */
export async function startMinistack(test: Mocha.Context, env: NodeJS.ProcessEnv = {}): Promise<Ministack> {
  test.timeout(FIRST_START_MS)
  installing ??= install()
  const installed = await installing
  if (typeof installed === 'string') return without(test, installed)
  const own = await launch(installed, env)
  started.add(own)
  return own
}

function without(test: Mocha.Context, why: string): never {
  if (process.env.REQUIRE_MINISTACK === '1') throw new Error(why)
  console.error(`skipping: ${why}`)
  return test.skip()
}

/**
 * @returns a one-line reason if this machine cannot run it
 */
async function install(): Promise<{ python: string; folder: string } | string> {
  const python = PYTHONS.find(isNewEnough)
  if (!python) return 'no MiniStack: there is no Python 3.10 or newer'
  if (spawnSync(python, ['-m', 'pip', '--version']).status !== 0) return `no MiniStack: ${python} has no pip`
  const folder = await testFolder('ministack', destroy)
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-warn-script-location', '--target']
  const pip = spawn(python, [...args, join(folder, 'packages'), `ministack==${MINISTACK_VERSION}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  pip.stderr.on('data', (chunk) => {
    said += chunk
  })
  const code = await new Promise((resolve) => pip.once('close', resolve))
  // On a machine that could run it, this is a failure, not a reason to skip.
  if (code !== 0) throw new Error(`pip could not install MiniStack ${MINISTACK_VERSION}: ${said}`)
  return { python, folder }
}

const isNewEnough = (python: string) =>
  spawnSync(python, ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))'], { stdio: 'ignore' }).status === 0

async function launch({ python, folder }: { python: string; folder: string }, env: NodeJS.ProcessEnv): Promise<Ministack> {
  const port = await freePort()
  const packages = join(folder, 'packages')
  // A separate temporary folder: MiniStack leaves unpacked functions and a pid file there.
  const own = mkdtempSync(join(folder, 'run-'))
  const { PATH, HOME } = process.env
  const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }
  mkdirSync(join(own, 's3'))
  // Run the script, not `-m ministack`, so that a later run can recognize leftover processes by their command line.
  const child = spawn(python, [join(packages, 'bin', 'ministack')], {
    cwd: own,
    env: {
      PATH,
      HOME,
      PYTHONPATH: packages,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      LAMBDA_EXECUTOR: 'local',
      S3_DATA_DIR: join(own, 's3'),
      TMPDIR: own,
      ...keys,
      ...env,
    },
    // In a process group of its own, together with the processes of its functions.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  const url = `http://127.0.0.1:${port}`
  try {
    await eventually(
      async () => {
        if (hasEnded(child)) throw new Error(`MiniStack ended: ${output}`)
        if (!(await fetch(`${url}/_ministack/health`)).ok) throw new Error(`MiniStack does not answer: ${output}`)
      },
      { withinMs: START_MS, everyMs: 50 },
    )
  } catch (error) {
    await end(child)
    throw error
  }
  const server: Ministack = {
    url,
    env: { AWS_ENDPOINT_URL: url, AWS_REGION: 'us-east-1', ...keys },
    output: () => output,
    async stop() {
      started.delete(server)
      await end(child)
    },
  }
  return server
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null

async function end(child: ChildProcess) {
  const group = (signal: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, signal)
    } catch {} // the group is empty
  }
  group('SIGTERM')
  await until(() => hasEnded(child), STOP_MS)
  group('SIGKILL')
}

/** Removes a folder, and kills processes of an earlier run that still use it. */
async function destroy(folder: string) {
  for (const pid of processesCalledWith(folder)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {} // it has ended meanwhile
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Stops all instances and removes the packages. Runs by itself at the end of a mocha run. */
export async function stopMinistacks() {
  for (const one of [...started]) await one.stop()
  const installed = await installing?.catch(() => undefined)
  installing = undefined
  if (typeof installed === 'object') await destroy(installed.folder)
}
afterAll('stop MiniStack', stopMinistacks)
