import { expect } from 'chai'
import { readSettings, type SettingsError } from '#platform/config/settings.ts'

const problemsOf = (env: Record<string, string>): string[] => {
  try {
    readSettings(env)
    return []
  } catch (error) {
    return (error as SettingsError).problems
  }
}

describe('settings of Kafka', () => {
  it('refuse half a login, and never show the half that is a secret', () => {
    expect(problemsOf({ KAFKA_SASL_USERNAME: 'me' })).to.deep.equal([
      'KAFKA_SASL_PASSWORD must be set, since KAFKA_SASL_USERNAME is',
    ])
    expect(problemsOf({ KAFKA_SASL_PASSWORD: 'hush' })).to.deep.equal([
      'KAFKA_SASL_USERNAME must be set, since KAFKA_SASL_PASSWORD is',
    ])
    expect(problemsOf({ KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD: 'hush' })).to.deep.equal([])
  })

  it('refuse brokers that cannot be connected to', () => {
    for (const brokers of ['localhost', 'a:0', 'a:65536', 'a:1,', 'a:1 b:2'])
      expect(problemsOf({ KAFKA_BROKERS: brokers })).to.deep.equal(['KAFKA_BROKERS must be host:port[,host:port…]'])
    expect(readSettings({ KAFKA_BROKERS: 'a:1, b:65535' }).KAFKA_BROKERS).to.deep.equal(['a:1', 'b:65535'])
  })
})
