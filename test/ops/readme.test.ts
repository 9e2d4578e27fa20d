import { expect } from 'chai'
import { topics } from '#events/topics.ts'
import { services } from '#services/index.ts'
import { pagesIn, textOf } from './repository.ts'

const readme = textOf('README.md')
const picture = readme.split('```')[1]!

describe('the README', () => {
  it('has every service and every topic in its picture', () => {
    for (const name of [...Object.keys(services), ...topics.map(({ name }) => name)])
      expect(picture).to.match(new RegExp(`\\b${name}\\b`))
  })

  it('names every page of docs/ that is not a decision, so that each is found', () => {
    for (const page of pagesIn('docs')) expect(readme, page).to.include(`](${page})`)
  })
})
