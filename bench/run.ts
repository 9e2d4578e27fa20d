import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { allocateYoung } from '../platform/heap.ts'
import { stopKafka } from '../test/kit/kafka.ts'
import { stopPostgres } from '../test/kit/postgres.ts'
import { append } from './append.ts'
import { bridge } from './bridge.ts'
import { duringRebuild } from './during-rebuild.ts'
import { growth } from './growth.ts'
import { hearing } from './hearing.ts'
import { http } from './http.ts'
import { idle } from './idle.ts'
import { kafkaClients } from './kafka-clients.ts'
import { kafkaProject } from './kafka-project.ts'
import { kafkaRebuild } from './kafka-rebuild.ts'
import { kafkaRelay } from './kafka-relay.ts'
import { kafkaVisible } from './kafka-visible.ts'
import type { Benchmark, Report } from './kit/figure.ts'
import { growthPlot, growthTable, isGrown } from './kit/growth-report.ts'
import { machinesOf, merged, table, withPart } from './kit/report.ts'
import { packages } from './packages.ts'
import { project } from './project.ts'
import { rebuild } from './rebuild.ts'
import { story } from './story.ts'
import { streams } from './streams.ts'
import { visible } from './visible.ts'
import { written } from './written.ts'

// As in every service.
allocateYoung()

const embedded: Benchmark[] = [
  append,
  project,
  rebuild,
  visible,
  http,
  streams,
  duringRebuild,
  bridge,
  written,
  idle,
  hearing,
  story,
  packages,
  growth,
]
const onKafka: Benchmark[] = [kafkaRelay, kafkaProject, kafkaRebuild, kafkaVisible, kafkaClients]
const benchmarks = [...embedded, ...onKafka]
const names = benchmarks.map(({ name }) => name)

const USAGE = `bin/node bench/run.ts [NAME…] [--quick] [--write]

  NAME      ${names.join(', ')}; without one, all but ${benchmarks.filter(({ isLong }) => isLong).map(({ name }) => name)}
  --quick   a tenth of the time: to see that it works, not to quote
  --write   keep the figures in bench/baselines.json and the table in bench/README.md`

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const unknown = wanted.filter((name) => !names.includes(name))
if (options.help || unknown.length > 0) {
  console.error(unknown.length > 0 ? `there is no benchmark ${unknown.join(', ')}\n\n${USAGE}` : USAGE)
  process.exit(options.help ? 0 : 2)
}

const baselines = new URL('baselines.json', import.meta.url)
const page = new URL('README.md', import.meta.url)
const machine = `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`
const before: { reports: Report[] } = JSON.parse(readFileSync(baselines, 'utf8'))

/** All figures beside what they are compared with, and those of a growing log by its length. */
const shownAs = (reports: readonly Report[], before?: readonly Report[]) => {
  const grown = reports.flatMap(({ figures }) => figures).filter(isGrown)
  const others = reports.filter(({ figures }) => !figures.every(isGrown))
  return { grown, figures: others.length > 0 ? table(others, before) : '', growth: grown.length > 0 ? growthTable(grown) : '' }
}

const reports: Report[] = []
try {
  for (const benchmark of benchmarks.filter(({ name, isLong }) => (wanted.length === 0 ? !isLong : wanted.includes(name)))) {
    console.error(`${benchmark.name} …`)
    reports.push({ benchmark: benchmark.name, machine, figures: await benchmark.run(options) })
  }
} finally {
  await stopKafka()
  await stopPostgres()
  // Show what was measured before a failure, too.
  const { figures, growth } = shownAs(reports, before.reports)
  for (const shown of [figures, growth].filter(Boolean))
    console.log(`\n${shown}\n\n${machine}${options.quick ? ', quick run' : ''}`)
}

if (options.write) {
  const kept = merged(names, before.reports, reports)
  writeFileSync(baselines, `${JSON.stringify({ reports: kept }, null, 2)}\n`)
  const { grown, figures, growth } = shownAs(kept)
  const text = withPart(readFileSync(page, 'utf8'), 'figures', `${figures}\n\n${machinesOf(kept)}`)
  writeFileSync(page, growth ? withPart(text, 'growth', `${growth}\n\n![Growth of costs](growth.svg)`) : text)
  if (growth) writeFileSync(new URL('growth.svg', import.meta.url), growthPlot(grown))
}
