import { readdirSync } from 'node:fs'
import type { Db } from '../../platform/pg/pool.ts'
import { statFields } from '../../platform/processes.ts'

/** Linux counts in hundredths of a second, whatever its clock. */
const MS_PER_TICK = 10

const statOf = (pid: number) => statFields(pid) ?? []

const sum = (ticks: (string | undefined)[]) => ticks.reduce((total, tick) => total + Number(tick ?? 0), 0)

/** Time of processors that all processes of a local Postgres have used since its start, in milliseconds. Linux only. */
export async function postgresMs(db: Db): Promise<number> {
  const [own] = await db.query<{ pid: number }>('bench.pid', 'select pg_backend_pid() as pid')
  const postmaster = Number(statOf(own!.pid)[1])
  const children = readdirSync('/proc')
    .map((name) => statOf(Number(name)))
    .filter(([, parent]) => Number(parent) === postmaster)
  // Fields 14 and 15: of the process itself. 16 and 17: of its children that have ended, which the postmaster has.
  const ticks = sum(statOf(postmaster).slice(11, 15)) + sum(children.flatMap((stat) => stat.slice(11, 13)))
  return ticks * MS_PER_TICK
}
