import { expect } from 'chai'
import { NoLocalKafka } from '#platform/kafka/local/index.ts'
import { choose, type Ways } from './choose.ts'
import { NoDocker, noDocker } from './docker.ts'
import { environment } from './kafka.ts'

const at = (address: string) => async () => ({ address, stop: async () => {} })
const failing = (error: Error) => async () => {
  throw error
}
const chosen = async (given: Partial<Ways>, env: NodeJS.ProcessEnv = {}) => {
  const nothing = { docker: failing(new NoDocker('no engine')), jars: failing(new NoLocalKafka('java does not run')) }
  const part = await choose({ name: 'Kafka', variable: 'KAFKA_BROKERS', ...nothing, ...given }, env)
  return typeof part === 'string' ? part : part.address
}

describe('the Kafka of the tests', () => {
  it('is the given one, whatever else there is', async () =>
    expect(await chosen({ docker: at('docker'), jars: at('jars') }, { KAFKA_BROKERS: 'mine:9092' })).to.equal('mine:9092'))

  it('is one in Docker, where there is Docker', async () =>
    expect(await chosen({ docker: at('docker'), jars: at('jars') })).to.equal('docker'))

  it('is one from jars, where there is no Docker', async () => expect(await chosen({ jars: at('jars') })).to.equal('jars'))

  it('is none, with one line about all that is missing', async () =>
    expect(await chosen({})).to.equal('no Kafka: KAFKA_BROKERS is not set, there is no Docker, and java does not run'))

  it('is not looked for elsewhere when a way that is there fails', async () => {
    const broken = await chosen({ docker: failing(new Error('the image cannot be pulled')), jars: at('jars') }).catch(String)
    expect(broken).to.equal('Error: the image cannot be pulled')
  })

  it('knows a machine without an engine by what testcontainers says', () => {
    expect(noDocker(new Error('Could not find a working container runtime strategy'))).to.be.instanceOf(NoDocker)
    expect(noDocker(new Error('port is already allocated'))).to.equal(undefined)
  })

  it('tells clients of a container the port by which they reach it', () =>
    expect(environment(4711)).to.include({ KAFKA_ADVERTISED_LISTENERS: 'CLIENTS://localhost:4711' }))
})
