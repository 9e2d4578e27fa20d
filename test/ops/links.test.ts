import { globSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect } from 'chai'
import { isThere, repository, textOf } from './repository.ts'

/** Without what stands in code, which is no link. */
const proseOf = (page: string): string =>
  textOf(page)
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '))

const linksOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(([, markdown, html]) => (markdown ?? html)!)

/** As GitHub makes the anchor of a heading; a second heading of the same words gets `-1`. */
function anchorsOf(page: string): Set<string> {
  const seen = new Map<string, number>()
  const headings =
    textOf(page)
      .replace(/^```[\s\S]*?^```/gm, '')
      .match(/^#{1,6} .+$/gm) ?? []
  return new Set(
    headings.map((heading) => {
      const anchor = heading
        .replace(/^#+ /, '')
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-')
      const before = seen.get(anchor) ?? 0
      seen.set(anchor, before + 1)
      return before === 0 ? anchor : `${anchor}-${before}`
    }),
  )
}

const brokenLinksOf = (page: string): string[] =>
  linksOf(page)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path, anchor] = link.split('#') as [string, string?]
      const target = path === '' ? page : normalize(join(dirname(page), path))
      return !isThere(target) || (anchor !== undefined && !anchorsOf(target).has(anchor))
    })

const pages = globSync(['README.md', 'bench/README.md', 'docs/**/*.md'], { cwd: repository }).sort()

describe('links of the docs', () => {
  for (const page of pages)
    it(`${page}: each relative link leads to a file, and each #anchor to a heading`, () =>
      expect(brokenLinksOf(page)).to.deep.equal([]))

  it('are there to be checked', () => {
    expect(linksOf('README.md')).to.include.members(['docs/tour.md#the-first-minutes', 'docs/images/ops-dark-trouble.png'])
    expect(anchorsOf('docs/tour.md')).to.include.members(['the-first-minutes', 'a-video-without-captions'])
  })

  it('that the code prints or comments lead to pages and headings as well', () => {
    const files = globSync('{events,platform,projections,services}/**/*.{ts,js,sql,yml}', { cwd: repository })
    const told = files.flatMap((file) =>
      [...textOf(file).matchAll(/\b(?:docs|bench)\/[\w/-]+\.md(?:#[\w-]+|, "([^"]+)")?/g)].map((match) => ({ file, match })),
    )
    expect(told.length).to.be.above(20)
    for (const { file, match } of told) {
      const [page, anchor] = match[0].replace(/,.*/, '').split('#') as [string, string?]
      expect(isThere(page), `${file}: ${page}`).to.equal(true)
      if (anchor) expect([...anchorsOf(page)], `${file}: ${page}`).to.include(anchor)
      if (match[1])
        expect(textOf(page), `${file}: ${page}`).to.match(new RegExp(`^#+ ${match[1].replace(/[?.]/g, '\\$&')}$`, 'm'))
    }
  })
})
