import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openPageFiles } from '#services/ops/page-files.ts'

describe('files of the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-page-'))
  mkdirSync(join(folder, 'parts'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  writeFileSync(
    join(folder, 'app.ts'),
    "import { useState } from 'preact/hooks'\nimport type { Look } from '#services/operations/look.ts'\nimport { x } from './parts/x.ts'\nexport const n: number = 1",
  )
  writeFileSync(join(folder, 'parts', 'x.ts'), 'export const x = 1')
  writeFileSync(join(folder, 'style.css'), 'a { color: red }')
  writeFileSync(join(folder, 'secret.json'), '{}')
  const files = openPageFiles(folder)
  after(() => rmSync(folder, { recursive: true }))

  it('are scripts without types whose bare imports lead to /lib', () => {
    const { type, body } = files.find('/page/app.ts')!
    expect(type).to.equal('text/javascript; charset=utf-8')
    expect(body).to.include("from '/lib/preact/hooks.js'").and.to.include("from './parts/x.ts'")
    expect(body).to.not.include('number').and.to.not.include('#services')
    // Lines and columns stay.
    expect(body.split('\n')).to.have.lengthOf(4)
    expect(files.find('/')!.type).to.equal('text/html; charset=utf-8')
    expect(files.find('/page/parts/x.ts')!.body).to.equal('export const x = 1')
  })

  it('are found by their own path and by no other', () => {
    for (const path of [
      '/page/secret.json',
      '/page/../secret.ts',
      '/page/parts',
      '/page/',
      '/page/parts/../app.ts',
      '/page//etc/passwd',
      '/lib/pg.js',
      '/page/__proto__',
      '/page/index.html',
    ])
      expect(files.find(path), path).to.equal(undefined)
  })

  it('keep their tag until they change', () => {
    const before = files.find('/page/style.css')!
    expect(files.find('/page/style.css')).to.equal(before)
    writeFileSync(join(folder, 'style.css'), 'a { color: green; }')
    expect(files.find('/page/style.css')!.etag).to.not.equal(before.etag)
  })

  it('bring preact and htm along, as modules that import only each other, in less than 8 KB gzipped', async () => {
    const { gzipSync } = await import('node:zlib')
    const libs = files.paths().filter((path) => path.startsWith('/lib/'))
    expect(libs.sort()).to.deep.equal(['/lib/htm.js', '/lib/preact.js', '/lib/preact/hooks.js'])
    const scripts = libs.filter((path) => path.endsWith('.js')).map((path) => files.find(path)!.body)
    for (const script of scripts)
      for (const [, from] of script.matchAll(/\bfrom\s*["']([^"']+)["']/g)) expect(libs).to.include(from)
    expect(scripts.reduce((sum, script) => sum + gzipSync(script).length, 0)).to.be.lessThan(8_000)
  })
})
