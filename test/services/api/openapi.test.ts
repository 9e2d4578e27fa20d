import { Validator } from '@seriousme/openapi-schema-validator'
import { expect } from 'chai'
import { openApi } from '#services/api/openapi/document.ts'
import { routes } from '#services/api/routes/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into it
const document = openApi() as any
// biome-ignore lint/suspicious/noExplicitAny: as above
const operations: any[] = Object.values(document.paths).flatMap((path) => Object.values(path as object))

describe('the description of the API', () => {
  it('is a valid OpenAPI 3.1 document, and all it refers to is there', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone(document))
    expect(valid, JSON.stringify(errors)).to.equal(true)
    expect(validator.version).to.equal('3.1')
    const pointers = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer]) => pointer!)
    expect(pointers).not.to.deep.equal([])
    for (const pointer of pointers)
      expect(
        pointer.split('/').reduce((at, key) => at?.[key], document),
        pointer,
      ).to.be.an('object')
  })

  it('has every route, under a name of its own', () => {
    expect(operations).to.have.length(routes.length)
    expect(new Set(operations.map(({ operationId }) => operationId)).size).to.equal(routes.length)
    expect(document.paths['/v2/videos/{video_id}/notes'].post.operationId).to.equal('postVideosByVideoIdNotes')
  })

  it('says of every route in a few words what it does', () => {
    for (const { operationId, summary } of operations) expect(summary, operationId).to.match(/^\p{Lu}[^.\n]{5,79}$/u)
  })

  it('says who may ask, how they are refused, and what they may send along', () => {
    const { get, patch } = document.paths['/v2/notes/{note_id}']
    expect(patch.security).to.deep.equal([{ userToken: [] }])
    expect(Object.keys(patch.responses)).to.deep.equal(['200', '400', '401', '404', '412', '413', '415', '422', '429', '500'])
    const names = (operation: { parameters: { name: string }[] }) => operation.parameters.map(({ name }) => name)
    expect(names(patch)).to.deep.equal(['note_id', 'Idempotency-Key', 'If-Match'])
    expect(names(get)).to.deep.equal(['note_id', 'If-None-Match', 'VidWiz-Position'])
    expect(document.paths['/health'].get.security).to.equal(undefined)
    expect(document.paths['/v2/videos/{video_id}/notes'].post.security).to.deep.equal([{ userToken: [] }, { longTermToken: [] }])
  })

  it('is what validates: bounds, what may be left out, what is unknown', () => {
    expect(document.paths['/v2/videos'].get.parameters.find(({ name }: { name: string }) => name === 'per_page')).to.deep.equal({
      name: 'per_page',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 50, default: 10 },
    })
    const bodyOf = (path: string, method: string) => document.paths[path][method].requestBody.content['application/json'].schema
    expect(bodyOf('/v2/auth/register', 'post').required).to.deep.equal(['email', 'password', 'name'])
    expect(bodyOf('/v2/auth/register', 'post').properties.password).to.include({ type: 'string', minLength: 7 })
    expect(bodyOf('/v2/notes/{note_id}', 'patch')).to.include({ additionalProperties: false })
    expect(bodyOf('/v2/users/me', 'patch')).not.to.have.property('additionalProperties')
  })
})
