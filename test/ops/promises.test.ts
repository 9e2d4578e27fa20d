import { expect } from 'chai'
import { isThere, textOf } from './repository.ts'

const promises = textOf('docs/promises.md')

/** `test/events/{ai,media}.test.ts` names two files. */
const expanded = (path: string): string[] => {
  const [, before, list, after] = /^(.*)\{(.+)\}(.*)$/.exec(path) ?? []
  return list ? list.split(',').map((one) => `${before}${one}${after}`) : [path]
}

describe('docs/promises.md', () => {
  it('has a row for each promise of the design', () => {
    const numbers = [...textOf('docs/design.md').matchAll(/^\| (P\d+) \|/gm)].map(([, number]) => number!)
    expect(numbers).to.have.length.above(11)
    expect([...promises.matchAll(/^\| (P\d+) \|/gm)].map(([, number]) => number!)).to.deep.equal(numbers)
  })

  it('names tests that are there', () => {
    const named = [...promises.matchAll(/`(test\/[^`]+\.ts)`/g)].flatMap(([, path]) => expanded(path!))
    expect(named).to.have.length.above(50)
    expect(named.filter((file) => !isThere(file))).to.deep.equal([])
  })
})
