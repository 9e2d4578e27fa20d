import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { localAwsEnvironment } from '#platform/aws/local/where.ts'
import { readSettings } from '#platform/config/settings.ts'
import { type Supervisor, supervisor } from '#services/stack/supervisor.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { onKafka, testLog } from './log.ts'
import { freshDatabase, type TestDatabase } from './postgres.ts'

/** The system as users run it: each service in its own process, under the real supervisor, on its own database. */
export interface Stack {
  /** URL of the API. */
  url: string
  databaseUrl: string
  secretKey: string
  adminToken: string
  /** Folder for objects, in place of S3. */
  dataFolder: string
  parts: Supervisor
  /** Waits until a part runs, for it may just be restarting, and sends it a signal. Returns its process id. */
  signal(part: string, signal: NodeJS.Signals): Promise<number>
  /** Environment of the services. */
  env: NodeJS.ProcessEnv
  /** Output of all services. */
  output: string[]
  stop(): Promise<void>
}

/** Parts needed to answer `/v2`, in starting order. */
export const PARTS = [...(onKafka ? ['relay'] : []), 'projector', 'fetch-scheduler', 'api']

/** Everything on one machine, including what lets a model write a note's text. */
export const ALL_PARTS = [
  ...PARTS,
  'local-aws',
  'ai-notes',
  'summaries',
  'sqs-bridge',
  'transcript-helper',
  'metadata-helper',
  'lambda-runner',
]

export interface StackOptions {
  /** Default: a new, migrated database. */
  database?: TestDatabase
  /** Addresses of a Kafka to use, whatever log this run uses. */
  brokers?: string
  /** Parts to run; several of a kind are distinguished by a suffix after `#`. */
  parts?: readonly string[]
}

export async function startStack(
  env: NodeJS.ProcessEnv = {},
  { database, brokers, parts: names = PARTS }: StackOptions = {},
): Promise<Stack> {
  const { url: databaseUrl, drop } = database ?? (await freshDatabase())
  const log = await testLog(databaseUrl, { relaying: false, brokers })
  const port = await freePort()
  const output: string[] = []
  const secretKey = 'a secret key that only tests use'
  const adminToken = 'an admin token that only tests use'
  const dataFolder = mkdtempSync(join(tmpdir(), 'vidwiz-stack-'))
  const parts = supervisor({
    onLine: (part, line) => output.push(`${part}: ${line}`),
    onRestart: (part, why) => output.push(`${part} ${why}`),
  })
  const partEnv: NodeJS.ProcessEnv = {
    ...process.env,
    DB_URL: databaseUrl,
    PORT: String(port),
    HOST: '127.0.0.1',
    SECRET_KEY: secretKey,
    ADMIN_TOKEN: adminToken,
    LOG_LEVEL: 'warn',
    RATE_LIMIT_DISABLED: '1',
    VIDWIZ_DATA: dataFolder,
    AWS_LOCAL_PORT: '0',
    ...log.env,
    ...env,
  }
  const signal = async (part: string, signal: NodeJS.Signals) => {
    const pid = await eventually(() => parts.pids()[part] ?? expect.fail(`${part} does not run`))
    process.kill(pid, signal)
    return pid
  }
  const stop = async () => {
    await parts.stop()
    await log.close()
    await drop()
    rmSync(dataFolder, { recursive: true })
  }
  try {
    const partOf = (name: string) => ({
      name,
      file: fileURLToPath(new URL('../../services/process.ts', import.meta.url)),
      args: [name.split('#')[0]!],
      env: partEnv,
    })
    if (names.includes('local-aws')) {
      await parts.start([partOf('local-aws')])
      // `env` comes last, so that tests can redirect a part.
      Object.assign(partEnv, { ...localAwsEnvironment(readSettings(partEnv)), ...env })
    }
    const all = names.filter((name) => name !== 'local-aws').map(partOf)
    // As in `vidwiz start`: the other parts start together once the views exist.
    const first = all.filter(({ name }) => /^(relay|projector)/.test(name))
    await parts.start(first)
    await Promise.all(all.filter((part) => !first.includes(part)).map((part) => parts.start([part])))
  } catch (error) {
    await stop()
    throw new Error(`the stack did not start:\n${output.join('\n')}`, { cause: error })
  }
  return {
    url: `http://127.0.0.1:${port}`,
    databaseUrl,
    secretKey,
    adminToken,
    dataFolder,
    env: partEnv,
    parts,
    signal,
    output,
    stop,
  }
}
