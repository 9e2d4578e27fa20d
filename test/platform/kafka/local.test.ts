import { expect } from 'chai'
import { majorVersion } from '#platform/kafka/local/java.ts'
import { serverProperties } from '#platform/kafka/local/server-properties.ts'

describe('what a local Kafka runs on', () => {
  const versions: [string, number][] = [
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_392"', 8],
    ['openjdk version "25" 2025-09-16', 25],
    ['command not found', 0],
  ]
  for (const [printed, version] of versions)
    it(`reads Java ${version} from '${printed}'`, () => expect(majorVersion(printed)).to.equal(version))
})

describe('the configuration of a broker', () => {
  const ports = [1, 2, 3].map((n) => ({ clients: 9090 + 2 * n, controllers: 9091 + 2 * n }))
  const linesOf = (brokers: number) => serverProperties(1, ports.slice(0, brokers), '/data').split('\n')

  it('listens on this machine only', () => {
    const listening = linesOf(3).filter((line) => /^(advertised\.)?listeners=/.test(line))
    expect(listening.join()).not.to.match(/:\/\/(?!127\.0\.0\.1:)/)
  })

  it('keeps each record three times where there are three brokers, and acknowledges it when two have it', () => {
    expect(linesOf(3)).to.include.members(['default.replication.factor=3', 'min.insync.replicas=2'])
    expect(linesOf(1)).to.include.members(['default.replication.factor=1', 'min.insync.replicas=1'])
  })
})
