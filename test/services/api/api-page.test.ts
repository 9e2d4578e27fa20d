import { expect } from 'chai'
import { openApi } from '#services/api/openapi/document.ts'
import { textOf } from '#test/ops/repository.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into it
const document = openApi() as any
const page = textOf('docs/api.md')

/** Names of fields, and words that a field may hold, at any depth of a schema. */
function wordsOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(wordsOf)
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key === 'properties') return [...Object.keys(value), ...Object.values(value).flatMap(wordsOf)]
    return key === 'enum' ? (value as string[]) : wordsOf(value)
  })
}

describe('what docs/api.md says by hand', () => {
  it('of media workers’ reports has no field or word that the route does not take', () => {
    const table = page.slice(page.indexOf('| a worker | says |')).split('\n\n')[0]!
    const said = [...table.matchAll(/"(\w+)"/g)].map(([, word]) => word!)
    expect(said).to.include.members(['status', 'processing', 'job_id', 's3_key', 'permanent'])
    const { schema } = document.paths['/v2/internal/media/{video_id}'].post.requestBody.content['application/json']
    expect(wordsOf(schema)).to.include.members(said)
  })

  it('of the answers about study and media jobs names every field and every status', () => {
    const { Study, MediaJob } = document.components.schemas
    for (const name of [
      'status',
      'step',
      'progress',
      'languages',
      'flashcards',
      'quiz',
      'error',
      ...Study.properties.status.enum,
    ])
      expect(page, name).to.include(`\`${name}\``)
    for (const name of Object.keys(MediaJob.properties)) expect(page, name).to.include(`\`${name}\``)
  })
})
