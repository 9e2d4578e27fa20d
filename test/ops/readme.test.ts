import { expect } from 'chai'
import { topics } from '#events/topics.ts'
import { settingNames } from '#platform/config/settings.ts'
import { services } from '#services/index.ts'
import { textOf } from './repository.ts'

const readme = textOf('README.md')
const picture = readme.split('```')[1]!

describe('the README', () => {
  it('has every service and every topic in its picture', () => {
    for (const name of [...Object.keys(services), ...topics.map(({ name }) => name)])
      expect(picture).to.match(new RegExp(`\\b${name}\\b`))
  })

  it('explains every setting', () => {
    // A family of settings is explained by its first: `RATE_LIMIT_USER`, `…_ADDRESS`.
    const explained = (name: string) =>
      readme.includes(`\`${name}\``) || readme.includes(`\`…_${name.split('_').at(-1)}\``) || ['KAFKA_LOCAL'].includes(name)
    expect(settingNames.filter((name) => !explained(name))).to.deep.equal([])
  })
})
