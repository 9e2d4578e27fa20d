import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localAwsEnvironment } from '#platform/aws/local/where.ts'
import { readSettings, type Settings } from '#platform/config/settings.ts'
import { type Running, vidwiz } from './run.ts'

/** S3 and SQS of a data folder, served by a separate process that a test may kill. */
export interface TestLocalAws {
  data: string
  /** Environment of clients. */
  env(): Record<string, string>
  settings(): Settings
  /** The serving process. */
  running(): Running
  /**
   * @param more environment of the service
   */
  start(more?: NodeJS.ProcessEnv): Promise<void>
  /** SIGKILL, like the system when it is out of memory. */
  kill(): Promise<void>
  /** Stops it gracefully and removes the folder. */
  stop(): Promise<void>
}

/**
 * @param more environment of the service
 */
export async function startLocalAws(more: NodeJS.ProcessEnv = {}): Promise<TestLocalAws> {
  const data = mkdtempSync(join(tmpdir(), 'vidwiz-aws-'))
  let running: Running
  const end = async (signal: NodeJS.Signals) => {
    running.process.kill(signal)
    await running.finished
  }
  const env = () => ({ VIDWIZ_DATA: data, ...localAwsEnvironment(readSettings({ VIDWIZ_DATA: data })) }) as Record<string, string>
  const one: TestLocalAws = {
    data,
    env,
    settings: () => readSettings(env()),
    running: () => running,
    async start(more) {
      running = vidwiz(['run', 'local-aws'], { VIDWIZ_DATA: data, AWS_LOCAL_PORT: '0', ...more })
      await running.prints(/"msg":"ready"/)
    },
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGTERM')
      rmSync(data, { recursive: true })
    },
  }
  await one.start(more)
  return one
}
