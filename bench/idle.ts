import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../test/kit/free-port.ts'
import { vidwiz } from '../test/kit/run.ts'
import { atMost, type Benchmark } from './kit/figure.ts'

/** Memory and CPU of the whole system on one machine while nobody uses it. Linux only: reads /proc. */
export const idle: Benchmark = {
  name: 'idle',
  async run({ quick }) {
    const [settleMs, watchMs] = quick ? [15_000, 15_000] : [30_000, 60_000]
    const data = mkdtempSync(join(tmpdir(), 'vidwiz-idle-'))
    // All services run; the key is never used.
    const [PORT, OPS_PORT] = [String(await freePort()), String(await freePort())]
    const env = { VIDWIZ_DATA: data, PORT, OPS_PORT, AWS_LOCAL_PORT: '0', GEMINI_API_KEY: 'any' }
    const started = vidwiz(['start'], env)
    try {
      await started.prints(/VidWiz is running/)
      await sleep(settleMs)
      const [pids, before] = [partsOf(data), performance.now()]
      const ticksBefore = sum(pids, ticksOf)
      await sleep(watchMs)
      const seconds = (performance.now() - before) / 1_000
      const busy = (sum(pids, ticksOf) - ticksBefore) / TICKS_PER_SECOND
      return [
        // Shared memory counts once.
        {
          name: 'memory of all processes',
          value: sum(pids, (pid) => kilobytes(pid, 'smaps_rollup', 'Pss')) / 1_000,
          unit: 'MB',
          target: atMost(1_000),
        },
        { name: 'processes of Node', value: pids.filter(isNode).length, unit: '' },
        {
          name: 'resident memory of the processes of Node, what they share counted for each',
          value: sum(pids.filter(isNode), (pid) => kilobytes(pid, 'status', 'VmRSS')) / 1_000,
          unit: 'MB',
          target: atMost(1_000),
        },
        { name: 'processor', value: (100 * busy) / seconds, unit: '% of a core', target: atMost(3) },
      ]
    } finally {
      started.process.kill('SIGTERM')
      await started.finished
      rmSync(data, { recursive: true, force: true })
    }
  },
}

const TICKS_PER_SECOND = 100

const read = (pid: number, file: string) => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

/** Processes of a data folder: those with it in their environment or arguments, such as the database server, and their children. */
function partsOf(data: string): number[] {
  const all = readdirSync('/proc').map(Number).filter(Boolean)
  const own = all.filter((pid) => read(pid, 'environ').includes(`VIDWIZ_DATA=${data}`) || read(pid, 'cmdline').includes(data))
  const parentOf = (pid: number) => Number(read(pid, 'stat').split(') ').at(-1)?.split(' ')[1])
  return [...new Set([...own, ...all.filter((pid) => own.includes(parentOf(pid)))])]
}

const sum = (pids: readonly number[], of: (pid: number) => number) => pids.reduce((total, pid) => total + of(pid), 0)
const isNode = (pid: number) => /(^|\/)node\0/.test(read(pid, 'cmdline'))

/** User and system time. */
function ticksOf(pid: number): number {
  const fields = read(pid, 'stat').split(') ').at(-1)?.split(' ')
  return Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)
}

const kilobytes = (pid: number, file: string, name: string) =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(read(pid, file))?.[1] ?? 0)
