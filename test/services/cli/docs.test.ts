import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { checkDocs, writeDocs } from '#services/cli/docs.ts'
import { generatedParts } from '#services/docs.ts'

describe('the docs of this house', () => {
  it('have generated parts that are what the code declares', () =>
    expect(checkDocs({ folder: join(import.meta.dirname, '../../..'), parts: generatedParts })).to.deep.equal([]))
})

describe('generated docs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'))
  after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'docs/decisions'), { recursive: true })
  const page = (text: string, file = 'docs/page.md') => writeFileSync(join(folder, file), text)
  const read = (file = 'docs/page.md') => readFileSync(join(folder, file), 'utf8')
  const docs = { folder, parts: { fruit: () => '| apple |' } }

  it('are written between their marks, and what people wrote around them stays', () => {
    page('# By hand\n\n<!-- generated: fruit -->\n<!-- /generated -->\n\nAlso by hand.\n')
    expect(writeDocs(docs)).to.deep.equal({ written: ['docs/page.md'], problems: [] })
    expect(read()).to.equal('# By hand\n\n<!-- generated: fruit -->\n\n| apple |\n\n<!-- /generated -->\n\nAlso by hand.\n')
    expect(checkDocs(docs)).to.deep.equal([])
    expect(writeDocs(docs).written).to.deep.equal([])
  })

  it('that differ from the code are told in a line that names the page, the part and the command', () => {
    page(read().replace('apple', 'pear'))
    expect(checkDocs(docs)).to.deep.equal([
      'docs/page.md: the part "fruit" is not what the code declares: run `npx vidwiz docs write` and commit it',
    ])
    expect(writeDocs(docs).problems).to.deep.equal([])
    expect(checkDocs(docs)).to.deep.equal([])
  })

  it('may stand in any page below docs/ and in the README, in several parts', () => {
    const two = '<!-- generated: fruit -->\n<!-- /generated -->\n\nand\n\n<!-- generated: fruit -->\n<!-- /generated -->\n'
    page(two, 'README.md')
    page(two, 'docs/decisions/one.md')
    expect(writeDocs(docs).written).to.deep.equal(['README.md', 'docs/decisions/one.md'])
    expect(read('README.md').match(/apple/g)).to.have.length(2)
    for (const file of ['README.md', 'docs/decisions/one.md']) page('', file)
  })

  it('of a name that nothing generates, without an end, or left out of all pages are mistakes', () => {
    page('<!-- generated: stones -->\n<!-- /generated -->\n')
    expect(checkDocs(docs)).to.deep.equal([
      'docs/page.md: nothing generates a part called stones',
      'no page has the generated part fruit',
    ])
    page('<!-- generated: fruit -->\n\nwithout an end\n')
    expect(checkDocs(docs)).to.include(
      'docs/page.md: a generated part has no end: <!-- /generated -->, or an end has no beginning',
    )
    expect(writeDocs(docs)).to.deep.include({ written: [] })
  })

  it('are not written on a page where an end is missing: what people wrote there would be lost', () => {
    const text = '<!-- generated: fruit -->\n\nBy hand.\n\n<!-- generated: fruit -->\n<!-- /generated -->\n\nBy hand as well.\n'
    for (const broken of [text, `${text}<!-- /generated -->\n`]) {
      page(broken)
      expect(writeDocs(docs)).to.deep.equal({
        written: [],
        problems: ['docs/page.md: a generated part has no end: <!-- /generated -->, or an end has no beginning'],
      })
      expect(read()).to.equal(broken)
    }
  })
})
