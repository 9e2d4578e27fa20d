import { expect } from 'chai'
import { readSettings, SettingsError } from '#platform/config/settings.ts'
import { rulesOf } from '#services/api/limits.ts'

const rules = (env: NodeJS.ProcessEnv) => rulesOf(readSettings(env))
const perMinute = ({ limit, windowMs }: { limit: number; windowMs: number }) => (limit * 60_000) / windowMs

describe('the rules of how often clients may ask', () => {
  it('are as the settings say, and for the rest as the environment wants it', () => {
    const { login, register } = rules({ ENVIRONMENT: 'production', RATE_LIMIT_LOGIN: '7/30' })
    expect(login).to.deep.equal({ limit: 7, windowMs: 30_000 })
    expect(register).to.deep.equal(rules({ ENVIRONMENT: 'staging' }).register)
  })

  it('let suites of tests register hundreds in a minute where people develop, and nobody in public', () => {
    expect(perMinute(rules({}).register)).to.be.at.least(1000)
    expect(perMinute(rules({ ENVIRONMENT: 'production' }).register)).to.be.at.most(60)
    for (const [name, rule] of Object.entries(rules({ ENVIRONMENT: 'production' })))
      expect(perMinute(rule), name).to.be.lessThan(perMinute(rules({})[name as 'login']))
  })

  it('and the proxies to trust are checked when a service starts', () => {
    for (const bad of [
      { RATE_LIMIT_USER: '10' },
      { RATE_LIMIT_USER: '0/60' },
      { RATE_LIMIT_USER: '10/0' },
      { RATE_LIMIT_USER: '10/1m' },
      { RATE_LIMIT_DISABLED: 'maybe' },
      { TRUST_PROXY: 'yes' },
      { TRUST_PROXY: '10.0.0.0/40' },
    ])
      expect(() => readSettings(bad), JSON.stringify(bad)).to.throw(SettingsError, Object.keys(bad)[0])
  })
})
