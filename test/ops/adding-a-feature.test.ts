import { expect } from 'chai'
import { isThere, textOf } from './repository.ts'

const page = textOf('docs/adding-a-feature.md')
const byHand = [...page.matchAll(/^\| \d \| `([^`]+)` \|/gm)].map(([, file]) => file!)

describe('the page on adding a feature', () => {
  it('names files and folders that exist', () => {
    const named = [...page.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map(([, path]) => path!)
    expect(named.length).to.be.greaterThan(20)
    expect(named.filter((path) => !isThere(path))).to.deep.equal([])
  })

  it('has the same eight files in its steps and in the commit', () => {
    const changed = [...page.matchAll(/^ (\S+) +\| +\d+ [+-]+(?: +(generated))?$/gm)]
    expect(byHand).to.have.length(8)
    expect(changed.filter(([, , generated]) => !generated).map(([, file]) => file)).to.have.members(byHand)
    for (const [, file] of changed) expect(isThere(file!), file).to.equal(true)
  })

  it('quotes code that is there', () => {
    const code = byHand.map(textOf).join('\n')
    const quoted = [...page.matchAll(/^```ts\n(.*?)^```/gms)].flatMap(([, lines]) => lines!.trim().split('\n'))
    expect(quoted.length).to.be.greaterThan(15)
    for (const line of quoted) expect(code).to.include(line.trim())
  })
})
