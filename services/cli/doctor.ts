import { Command } from 'commander'
import { pasteable } from '#platform/config/pasteable.ts'
import { readSettings } from '#platform/config/settings.ts'
import { type Checked, examine, isWell } from './doctor/check.ts'
import { edgeChecks } from './doctor/edges.ts'
import { gpuWorkerChecks } from './doctor/gpu-worker.ts'
import { programChecks } from './doctor/programs.ts'
import { storeChecks } from './doctor/stores.ts'
import { table } from './table.ts'

const PATIENCE_MS = 10_000

/** `doctor`: checks everything that VidWiz relies on, and tells what a missing part costs. */
export const doctorCommand = (): Command =>
  new Command('doctor')
    .description(
      'check every program, store, queue, key and port: what is missing, what that costs, what to do. With VIDWIZ_WITH=gpu-worker also what that one needs. Exit code 1 when something needed is missing',
    )
    .option('--json', 'one JSON array')
    .action(async ({ json }: { json?: boolean }) => {
      const settings = readSettings()
      const added = settings.VIDWIZ_WITH.includes('gpu-worker') ? gpuWorkerChecks(settings) : []
      const checks = [...programChecks(settings), ...storeChecks(settings), ...edgeChecks(settings), ...added]
      const checked = await examine(checks, PATIENCE_MS)
      await print(json ? JSON.stringify(checked) : report(checked))
      // A check that hangs could keep the process alive.
      process.exit(isWell(checked) ? 0 : 1)
    })

const print = (text: string) => new Promise<void>((resolve) => process.stdout.write(`${text}\n`, () => resolve()))

/** A line for each check. Then, for each that is not ok, its cost and remedy, the needed ones first. */
export function report(checked: readonly Checked[]): string {
  const lines = table(
    ['', 'WHAT', 'FOUND'],
    checked.map(({ name, state, detail }) => [state, name, detail]),
    3,
  )
  const told = checked
    .filter(({ state }) => state !== 'ok')
    .toSorted((a, b) => Number(b.isNeeded) - Number(a.isNeeded))
    .map(({ name, isNeeded, cost, remedy }) =>
      [`${name}${isNeeded ? ' (needed)' : ''}: ${cost}`, ...(remedy ? [`  → ${pasteable(remedy)}`] : [])].join('\n'),
    )
  const end = isWell(checked) ? 'All that is needed is there.' : 'Something that is needed is missing.'
  return [lines, ...(told.length > 0 ? ['', ...told] : []), '', end].join('\n')
}
