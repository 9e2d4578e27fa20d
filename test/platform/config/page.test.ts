import { expect } from 'chai'
import { settingsTables } from '#platform/config/page.ts'
import { chapters } from '#platform/config/settings/chapters.ts'
import { readSettings, settingNames } from '#platform/config/settings.ts'

const settings = chapters.flatMap(({ settings }) => Object.entries(settings))

describe('the settings in docs/configuration.md', () => {
  it('are all that are read, each in one chapter', () =>
    expect(settings.map(([name]) => name).sort()).to.deep.equal([...settingNames].sort()))

  for (const [name, setting] of settings)
    it(`${name} says in a sentence what it means`, () => {
      const { description, unset, secret, ...others } = setting.meta()!
      expect(description).to.match(/^[\p{Lu}\d`].*[.…]$/u)
      expect(others, 'what nothing reads').to.deep.equal({})
      if (/(PASSWORD|_TOKEN|OPS_TOKENS|(API|SECRET|ACCESS)_KEY)$/.test(name)) expect(secret, 'a secret').to.equal(true)
    })

  it('show the default that is used, and what happens where there is none', () => {
    const page = settingsTables()
    expect(page).to.include('| `PORT` | `5000` |').and.include('| `KAFKA_SSL` | `0` |').and.include('| `OPS_HOSTS` | none |')
    expect(page).to.include('| `DB_URL` | an embedded Postgres |')
    expect(readSettings({})).to.include({ PORT: 5000, KAFKA_SSL: false }).and.not.to.have.property('DB_URL')
    expect(page).not.to.include('undefined')
  })

  it('tell no machine by its folders', () => expect(settingsTables()).not.to.include(import.meta.dirname.split('/test/')[0]!))
})
