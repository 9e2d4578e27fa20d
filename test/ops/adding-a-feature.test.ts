import { expect } from 'chai'
import { isThere, textOf } from './repository.ts'

const page = textOf('docs/adding-a-feature.md')
const byHand = [...page.matchAll(/^\| \d \| `([^`]+)` \|/gm)].map(([, file]) => file!)

const unindented = (code: string): string => code.replace(/^ +/gm, '')

describe('the page on adding a feature', () => {
  it('names files and folders that exist', () => {
    const named = [...page.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map(([, path]) => path!)
    expect(named.length).to.be.greaterThan(20)
    expect(named.filter((path) => !isThere(path))).to.deep.equal([])
  })

  it('lists the same eight files as its steps and as the changes by hand, and only files that exist', () => {
    const changed = [...page.matchAll(/^ (\S+) +\| +\d+ [+-]+(?: +(generated))?$/gm)]
    expect(byHand).to.have.length(8)
    expect(changed.filter(([, , generated]) => !generated).map(([, file]) => file)).to.have.members(byHand)
    for (const [, file] of changed) expect(isThere(file!), file).to.equal(true)
  })

  it('quotes whole blocks of code that one of these files has, apart from indentation', () => {
    const code = byHand.map((file) => unindented(textOf(file)))
    const quoted = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => unindented(block!).trim())
    expect(quoted.length).to.be.greaterThan(3)
    expect(quoted.filter((block) => !code.some((file) => file.includes(block)))).to.deep.equal([])
  })
})
