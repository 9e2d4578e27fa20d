import { expect } from 'chai'
import { hasAlready, tagsIn } from '#platform/http/conditional.ts'

describe('a list of ETags', () => {
  it('is read as it is written', () => {
    const cases: [string, ReturnType<typeof tagsIn>][] = [
      ['*', '*'],
      ['"a@1"', ['"a@1"']],
      [' "a" ,"b",  W/"c" ', ['"a"', '"b"', 'W/"c"']],
      ['"a,b", "c d"', undefined],
      ['"a,b"', ['"a,b"']],
      ['""', ['""']],
      ['"é"', ['"é"']],
      [',"a",,', ['"a"']],
    ]
    for (const [header, tags] of cases) expect(tagsIn(header), header).to.deep.equal(tags)
  })

  it('is nothing else', () => {
    for (const header of ['', ' ', ',', 'a', 'a@1', '"a', 'a"', '"a" b', '"a" *', '*, "a"', 'w/"a"', 'W/a', "'a'", '"a\t"'])
      expect(tagsIn(header), header).to.equal(undefined)
  })
})

describe('who asks has a state already', () => {
  const has = (header?: string) => hasAlready('"n@2"', header === undefined ? {} : { 'if-none-match': header })

  it('when one of its tags names it, be it a weak one', () => {
    for (const header of ['"n@2"', 'W/"n@2"', '"n@1", "n@2"', '*']) expect(has(header), header).to.equal(true)
  })

  it('but not with another tag, no tag, or what is none', () => {
    for (const header of ['"n@1"', '"n@22"', '', 'n@2', undefined]) expect(has(header), header).to.equal(false)
  })
})
