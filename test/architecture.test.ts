import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'

/** A file of a small house built like ours, what it imports (a value or a type; in turn, where it is all the same), and the rule that this breaks. */
const house: { file: string; imports: string; breaks?: string; as?: 'value' | 'type' }[] = [
  { file: 'events/kit/codec.ts', imports: 'zod' },
  { file: 'events/note.ts', imports: '#events/kit/codec.ts' },
  { file: 'events/impure.ts', imports: 'node:fs', breaks: 'events-are-pure' },
  { file: 'events/handy.ts', imports: 'knex', breaks: 'events-are-pure' },
  { file: 'events/looking-down.ts', imports: '#platform/pg/pool.ts', breaks: 'events-are-pure' },

  { file: 'projections/engine/view.ts', imports: '#platform/pg/pool.ts' },
  { file: 'projections/engine/fold.ts', imports: '#events/kit/codec.ts' },
  { file: 'projections/engine/partial-to-notes.ts', imports: '#events/note.ts', breaks: 'engine-knows-no-domain' },
  { file: 'projections/engine/holding-a-view.ts', imports: '#projections/notes.ts', breaks: 'engine-knows-no-domain' },
  { file: 'projections/notes.ts', imports: '#events/note.ts' },
  { file: 'projections/videos.ts', imports: './engine/view.ts' },
  { file: 'projections/users/table.ts', imports: '#events/note.ts' },
  { file: 'projections/users/view.ts', imports: './table.ts' },
  { file: 'projections/index.ts', imports: './notes.ts' },
  { file: 'projections/note.ts', imports: './notes.ts', breaks: 'views-fold-events' },
  { file: 'projections/low.ts', imports: '#platform/pg/pool.ts', breaks: 'views-fold-events' },
  { file: 'projections/users/low.ts', imports: 'node:fs', breaks: 'views-fold-events' },

  { file: 'services/api/main.ts', imports: '#projections/notes.ts' },
  { file: 'services/api/routes/notes.ts', imports: '#services/api/main.ts' },
  { file: 'services/cli/main.ts', imports: '#platform/pg/pool.ts' },
  { file: 'services/stack/main.ts', imports: '#services/api/main.ts', breaks: 'services-meet-in-events' },
  { file: 'services/helpers/transcript/main.ts', imports: '#events/note.ts' },
  { file: 'services/helpers/metadata/main.ts', imports: '../transcript/main.ts', breaks: 'services-meet-in-events' },
  { file: 'services/lambdas/kit/api.ts', imports: '#platform/pg/pool.ts' },
  { file: 'services/lambdas/ai-note/handler.ts', imports: '../kit/api.ts' },
  { file: 'services/helpers/transcript/strange.ts', imports: '#services/lambdas/kit/api.ts', breaks: 'services-meet-in-events' },
  { file: 'services/cli/strange.ts', imports: '#services/lambdas/kit/api.ts', breaks: 'services-meet-in-events' },
  { file: 'services/helpers/kit/helper.ts', imports: '#platform/pg/pool.ts' },
  { file: 'services/helpers/transcript/fetch.ts', imports: '../kit/helper.ts' },
  { file: 'services/helpers/kit/favourite.ts', imports: '../metadata/main.ts', breaks: 'services-meet-in-events' },
  { file: 'services/lambdas/ai-note/main.ts', imports: '#services/helpers/kit/helper.ts', breaks: 'services-meet-in-events' },

  { file: 'services/operations/look.ts', imports: '#projections/notes.ts' },
  { file: 'services/ops/main.ts', imports: '#services/operations/look.ts' },
  { file: 'services/cli/lag.ts', imports: '#services/operations/look.ts' },
  { file: 'services/ops/page/main.ts', imports: './html.ts' },
  { file: 'services/ops/page/html.ts', imports: 'htm' },
  { file: 'services/ops/page/wise.ts', imports: '#services/ops/main.ts', as: 'value', breaks: 'the-page-runs-in-a-browser' },
  { file: 'services/ops/page/shown.ts', imports: '#services/operations/look.ts', as: 'type' },
  { file: 'services/api/looking.ts', imports: '#services/operations/look.ts', breaks: 'operations-are-for-people' },

  { file: 'platform/pg/pool.ts', imports: 'knex' },
  { file: 'platform/log/port.ts', imports: '#events/kit/codec.ts' },
  { file: 'platform/log/partial-to-notes.ts', imports: '#events/note.ts', breaks: 'platform-knows-no-domain' },
  { file: 'platform/log/viewing.ts', imports: '#projections/engine/view.ts', breaks: 'platform-knows-no-domain' },
  { file: 'platform/log/serving.ts', imports: '#services/cli/main.ts', breaks: 'platform-knows-no-domain' },

  { file: 'test/kit/given.ts', imports: '#events/note.ts' },
  { file: 'services/api/tested.ts', imports: '#test/kit/given.ts', breaks: 'nothing-rests-on-tests' },
  { file: 'bench/load.ts', imports: '#services/api/main.ts' },
  { file: 'services/cli/fast.ts', imports: '../../bench/load.ts', breaks: 'nothing-rests-on-tests' },

  { file: 'platform/egg.ts', imports: './hen.ts', breaks: 'no-cycles' },
  { file: 'platform/hen.ts', imports: './egg.ts' }, // a cycle is told once, at the egg
  { file: 'platform/lost.ts', imports: '#platform/nowhere.ts', breaks: 'all-found' },
]

describe('who may import whom', () => {
  const folder = mkdtempSync(join(tmpdir(), 'house-'))
  let broken: Map<string, string[]>

  before(async () => {
    build(folder)
    broken = await cruise(folder)
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const { file, imports, breaks } of house)
    it(`${file} ${breaks ? 'must not' : 'may'} import ${imports}`, () =>
      expect(broken.get(file) ?? []).to.deep.equal(breaks ? [breaks] : []))
})

describe('the import rules', () => {
  it('each have a file above that breaks them', () => {
    const { forbidden } = createRequire(import.meta.url)('../.dependency-cruiser.cjs')
    const rules: string[] = forbidden.map((rule: { name: string }) => rule.name)
    expect(house.map(({ breaks }) => breaks)).to.include.members(rules)
  })
})

function build(folder: string) {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const roots = ['events', 'platform', 'projections', 'services', 'test']
  write(
    'package.json',
    JSON.stringify({ type: 'module', imports: Object.fromEntries(roots.map((root) => [`#${root}/*`, `./${root}/*`])) }),
  )
  write(
    'tsconfig.json',
    JSON.stringify({ compilerOptions: { module: 'nodenext', allowImportingTsExtensions: true, noEmit: true } }),
  )
  for (const name of ['zod', 'knex', 'htm']) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, type: 'module', exports: './index.js' }))
    write(`node_modules/${name}/index.js`, 'export const it = 1')
  }
  // Imports of types count as well, but for the page.
  for (const [i, { file, imports, as = i % 2 ? 'type' : 'value' }] of house.entries())
    write(file, `${as === 'type' ? 'import type' : 'import'} { it } from '${imports}'\nexport type Name = typeof it\n`)
}

/** The rules that each file breaks. */
async function cruise(folder: string): Promise<Map<string, string[]>> {
  const program = resolve('node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
  const roots = ['events', 'platform', 'projections', 'services', 'test', 'bench']
  const args = [program, '--config', resolve('.dependency-cruiser.cjs'), '--output-type', 'json', ...roots]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 1 << 25 })
  const violations: { from: string; rule: { name: string } }[] = JSON.parse(stdout).summary.violations
  return new Map([...Map.groupBy(violations, (v) => v.from)].map(([file, found]) => [file, found.map((v) => v.rule.name)]))
}
