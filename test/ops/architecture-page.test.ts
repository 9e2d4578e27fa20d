import { expect } from 'chai'
import { isThere, textOf } from './repository.ts'

const page = textOf('docs/architecture.md')
const chapter = (title: string) => page.split(/^## /m).find((text) => text.startsWith(title))!
/** Cells of the table rows of a chapter, without its head. */
const rowsOf = (title: string) =>
  [...chapter(title).matchAll(/^\|(.+)\|$/gm)].slice(2).map(([, row]) => row!.split('|').map((cell) => cell.trim()))

describe('the architecture page', () => {
  it('names files and folders that exist', () => {
    const named = [...page.matchAll(/`([\w.-]+\/[\w./-]*|\.[\w.-]+)`/g)].map(([, path]) => path!)
    expect(named.length).to.be.greaterThan(40)
    expect(named.filter((path) => !isThere(path))).to.deep.equal([])
  })

  it('takes ten steps for a write and for a read', () => {
    for (const way of ['A write', 'A read'])
      expect(rowsOf(way).map(([step]) => step)).to.deep.equal(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])
  })

  it('says of each word where it is defined, and it is', () => {
    const words = rowsOf('Words of the engine room')
    expect(words.length).to.be.greaterThan(5)
    for (const [word, , where] of words) {
      const [first] = word!.split(' ')
      expect(textOf(where!.replaceAll('`', '')).toLowerCase(), word).to.include(first)
    }
  })
})
