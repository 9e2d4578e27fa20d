import { expect } from 'chai'
import { z } from 'zod'
import { Request } from '#platform/http/request.ts'
import { tagsOf } from '#services/api/etag.ts'

describe('an ETag', () => {
  const thing = z.object({ id: z.int(), name: z.string() })
  const tag = tagsOf(thing).of('thing-1', 7)

  it('names the shape of the answer, as its schema has it: another one gives another tag', () => {
    expect(tag).to.match(/^"thing-1@7~[\w-]{8}"$/)
    expect(tagsOf(z.object({ id: z.int(), name: z.string() })).of('thing-1', 7)).to.equal(tag)
    for (const other of [
      thing.extend({ more: z.string().nullable() }),
      thing.omit({ name: true }),
      z.object({ name: z.string(), id: z.int() }),
      thing.extend({ name: z.string().nullable() }),
      thing.extend({ id: z.string() }),
      thing.extend({ name: z.object({ first: z.string() }) }),
    ])
      expect(tagsOf(other).of('thing-1', 7)).not.to.equal(tag)
  })

  it('is expected in its own shape only', () => {
    const expected = (ifMatch: string) => {
      const request = new Request({ method: 'PATCH', url: '/', headers: { 'if-match': ifMatch } } as never)
      return tagsOf(thing).expected(request, 'thing-1')
    }
    expect(expected(`"x", ${tag}`)).to.deep.equal([7])
    for (const stale of ['"thing-1@7"', '"thing-1@7~"', '"thing-1@7~AAAAAAAA"', tag.replace('-1@', '-2@'), `W/${tag}`])
      expect(expected(stale), stale).to.deep.equal([])
    expect(expected('*')).to.equal(undefined)
  })
})
