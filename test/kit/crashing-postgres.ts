import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { destroyPostgres, startPostgres } from '#platform/pg/embedded/index.ts'
import { eventually } from './eventually.ts'
import { setUp } from './postgres.ts'

/** A separate server that a test may kill. It restarts by itself. */
export interface CrashingPostgres {
  url: string
  folder: string
  /** Kills the postmaster, and waits until a new one accepts connections. */
  crash(): Promise<void>
  /** Kills a backend, so that the postmaster ends all others and recovers. Waits until it accepts connections. */
  crashBackend(): Promise<void>
  stop(): Promise<void>
}

export async function crashingPostgres(): Promise<CrashingPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-crash-'))
  const postgres = await startPostgres({ dataDir: folder, password: 'only for this test' })
  await setUp(postgres.url)
  const postmaster = () => Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])

  const connected = async () => {
    const client = new pg.Client({ connectionString: postgres.url })
    client.on('error', () => {})
    await client.connect()
    return client
  }
  const back = () => eventually(async () => (await connected()).end(), { withinMs: 60_000, everyMs: 50 })

  return {
    url: postgres.url,
    folder,
    async crash() {
      const crashed = postmaster()
      process.kill(crashed, 'SIGKILL')
      await eventually(() => expectOther(postmaster(), crashed), { withinMs: 60_000, everyMs: 20 })
      await back()
    },
    async crashBackend() {
      const client = await connected()
      const { rows } = await client.query('select pg_backend_pid() as pid')
      const ended = new Promise((resolve) => client.once('end', resolve))
      execFileSync('kill', ['-9', String(rows[0].pid)])
      await ended
      await back()
    },
    async stop() {
      await postgres.stop()
      await destroyPostgres(folder)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function expectOther(now: number, before: number) {
  if (now === before) throw new Error('the server that was killed is the last one that was started')
}
