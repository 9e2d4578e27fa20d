import { expect } from 'chai'
import { z } from 'zod'
import { routes } from '#services/api/routes/index.ts'

describe('the routes', () => {
  it('are the ones of the contract, each declared once', () => {
    expect(routes.map(({ method, path }) => `${method} ${path}`).sort()).to.deep.equal([
      'DELETE /v2/auth/tokens',
      'DELETE /v2/notes/:note_id',
      'GET /health',
      'GET /v2/users/me',
      'GET /v2/videos',
      'GET /v2/videos/:video_id',
      'GET /v2/videos/:video_id/notes',
      'PATCH /v2/notes/:note_id',
      'PATCH /v2/users/me',
      'POST /v2/auth/login',
      'POST /v2/auth/register',
      'POST /v2/auth/tokens',
      'POST /v2/videos/:video_id/notes',
    ])
  })

  for (const { method, path, spec } of routes)
    it(`${method} ${path} can be described by its own schemas`, () => {
      for (const schema of [spec.params, spec.query, spec.body])
        if (schema) {
          const { type, properties } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
          expect(type).to.equal('object')
          for (const [name, property] of Object.entries(properties!)) expect(property, name).not.to.deep.equal({})
        }
      for (const answer of Object.values(spec.answers)) expect(z.toJSONSchema(answer)).to.have.property('type')
    })
})
