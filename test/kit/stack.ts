import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Supervisor, supervisor } from '#services/stack/supervisor.ts'
import { freshDatabase, type TestDatabase } from './postgres.ts'

/** The system as users run it: every service a process of its own, under the real supervisor, on a database of its own. */
export interface Stack {
  /** Of the API. */
  url: string
  databaseUrl: string
  secretKey: string
  adminToken: string
  parts: Supervisor
  /** Everything that the services printed. */
  output: string[]
  stop(): Promise<void>
}

const PARTS = ['projector', 'api'] as const
export type PartName = (typeof PARTS)[number]

/** @param database a migrated one of its own, if not given */
export async function startStack(env: NodeJS.ProcessEnv = {}, database?: TestDatabase): Promise<Stack> {
  const { url: databaseUrl, drop } = database ?? (await freshDatabase())
  const port = await freePort()
  const output: string[] = []
  const secretKey = 'a secret key that only tests use'
  const adminToken = 'an admin token that only tests use'
  const parts = supervisor({
    onLine: (part, line) => output.push(`${part}: ${line}`),
    onRestart: (part, why) => output.push(`${part} ${why}`),
  })
  const partEnv = {
    ...process.env,
    DB_URL: databaseUrl,
    PORT: String(port),
    HOST: '127.0.0.1',
    SECRET_KEY: secretKey,
    ADMIN_TOKEN: adminToken,
    LOG_LEVEL: 'warn',
    ...env,
  }
  const stop = async () => {
    await parts.stop()
    await drop()
  }
  try {
    await parts.start(
      PARTS.map((name) => ({
        name,
        file: fileURLToPath(new URL(`../../services/${name}/main.ts`, import.meta.url)),
        env: partEnv,
      })),
    )
  } catch (error) {
    await stop()
    throw new Error(`the stack did not start:\n${output.join('\n')}`, { cause: error })
  }
  return { url: `http://127.0.0.1:${port}`, databaseUrl, secretKey, adminToken, parts, output, stop }
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
