import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { z } from 'zod'
import { views } from '#projections/index.ts'
import { admin, user, userOrLongTerm, viewer } from '#services/api/auth/guards.ts'
import { routeTables, shapeTable } from '#services/api/openapi/tables.ts'
import { routes } from '#services/api/routes/index.ts'

const root = new URL('../../../', import.meta.url)

const nameOf = ({ method, path }: (typeof routes)[number]) => `${method} ${path}`

const READING_NO_VIEW = ['/health', '/v2/internal/tasks', '/v2/internal/metrics', '/v2/payments/products']

describe('the routes', () => {
  it('are declared once each', () => {
    const names = routes.map(nameOf)
    expect(names).to.deep.equal([...new Set(names)])
  })

  it('of the original are all there, and docs/routes.md says where they are tested', () => {
    const text = readFileSync(new URL('docs/routes.md', root), 'utf8')
    const rows = [...text.matchAll(/^\| `(?<name>[A-Z]+ [^`]+)` \| (?<tests>`[^|]+`) \| [^|]+ \|$/gm)].map((row) => row.groups!)
    expect(rows).to.have.length.above(25)
    expect(routes.map(nameOf)).to.include.members(rows.map(({ name }) => name))
    for (const row of rows) {
      const files = row.tests!.split(', ').map((file) => file.replaceAll('`', ''))
      for (const file of files) expect(existsSync(new URL(`test/${file}`, root)), file).to.equal(true)
    }
  })

  it('say who may ask, in the generated table', () => {
    const rows = new Map(
      [...routeTables().matchAll(/^\| `([A-Z]+ [^`]+)` \| [^|]+ \| (\S+) \|/gm)].map(([, name, who]) => [name!, who!]),
    )
    const who = new Map<unknown, string>([
      [user, 'U'],
      [userOrLongTerm, 'UL'],
      [viewer, 'V'],
      [admin, 'A'],
      [undefined, '–'],
    ])
    expect(rows.size).to.equal(routes.length)
    for (const { method, path, spec } of routes)
      expect(rows.get(`${method} ${path}`), `${method} ${path}`).to.equal(who.get(spec.auth))
  })

  it('say what they take and answer, in the generated table', () => {
    const rows = routeTables().split('\n')
    expect(rows).to.include(
      '| `POST /v2/auth/register` | Open an account | – | body: `email`, `password`, `name` (256 KiB) | 201 Message | takes `Idempotency-Key` |',
    )
    const headers = '| takes `Idempotency-Key`, `If-Match`; gives `ETag` |'
    expect(rows.find((row) => row.includes('`PATCH /v2/notes/:note_id`'))).to.include(headers)
    expect(rows.find((row) => row.includes('`GET /v2/internal/tasks`')))
      .to.include('| query: `type`, `timeout?` |')
      .and.include(' or 204 |')
    expect(shapeTable()).to.match(/^\| Note \| `id`, `video_id`, `timestamp`, `text`,/m)
  })

  it('say what they read, so that a client can wait for it', () => {
    const known = new Set<string>(views.map(({ name }) => name))
    for (const { method, path, spec } of routes)
      if (method === 'GET' && !READING_NO_VIEW.includes(path)) {
        expect(spec.reads, `${method} ${path}`).to.be.an('array').that.is.not.empty
        for (const view of spec.reads!) expect(known, `${method} ${path}`).to.include(view)
      }
  })

  for (const { method, path, spec } of routes)
    it(`${method} ${path} can be described by its own schemas`, () => {
      for (const schema of [spec.params, spec.query, spec.body])
        if (schema) {
          const { type, properties } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
          expect(type).to.equal('object')
          for (const [name, property] of Object.entries(properties!)) expect(property, name).not.to.deep.equal({})
        }
      for (const answer of Object.values(spec.answers)) expect(z.toJSONSchema(answer)).to.have.any.keys('type', '$ref')
    })
})
