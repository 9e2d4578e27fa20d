import { expect } from 'chai'
import { pino } from 'pino'
import { KeysUnavailable, remoteKeys } from '#platform/oidc/keys.ts'
import { type Issuer, startIssuer } from '#test/kit/issuer.ts'

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIDBTCCAe2gAwIBAgIUTaDBzwn8cw0OVprOFsLjAKYzk9YwDQYJKoZIhvcNAQEL
BQAwETEPMA0GA1UEAwwGaXNzdWVyMCAXDTI2MTEyMDIyMjIwMVoYDzIxMjYxMDI3
MjIyMjAxWjARMQ8wDQYDVQQDDAZpc3N1ZXIwggEiMA0GCSqGSIb3DQEBAQUAA4IB
DwAwggEKAoIBAQDlDCU7A3CUah1P00ycWS0ezxzfRrHNe7loRjSPNx/JvoWVgiVr
Alt2gRlALnaB9HWeQXN7TTEcyMI3m5klP60PkPKmZukxQksOSAEv4avxn2PKur6Q
45X8Ruqpft0m8w9LxNR8HkwzrogPUoO/4BouGGZixHpw9qCCimM2FyJA5UsqifB/
nyDBr+cBJW0C2sJb44cDcdnKimy9pyyShEd8ypP6W9r6up63iViACuPna1ft4Nbz
cYfAfRa2OzfCwKOI6Y+AXvjs4UfQvGKzqICg2ImJpBeqPmmxzpWwLxg38BBRbjw7
+e4CcRucFOLZMu+1cPoJdOcPIWhnWnPB9w+tAgMBAAGjUzBRMB0GA1UdDgQWBBRf
DPz3vGywbVHgtRyFCmlo6WylLTAfBgNVHSMEGDAWgBRfDPz3vGywbVHgtRyFCmlo
6WylLTAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQDis5ae978l
zrIp/1LadVwQti9z4S5yl9SfUiJ86OgojxEhTxYUWhWlpA+gKzWPcZe1nAfYBPa1
8+fJ2TyVUaQpPWrvdJY/nA578g1b4v1H/bpay1QlQ7CHTtE45kFSgutFEz7dwrSA
ONWsC2VbdHQgCanQlsicJ1ryXNUnTv3GhQfRLh3WNki+HBJz7Ngr/hFmdeF9+XQD
qisLKsMj0u+mdFMRQ6o2aTolEypBFS+HNBgurgQWWhTwgY/f4lzxqBA2T7ah4Pmg
X8cC844DfE6epvksChm2VPvzD8JFTxLeFGUWHVusLdSXN1QZfuP5RTR+axo9tW9i
uhcaO5cyW1s/
-----END CERTIFICATE-----
`

describe('the keys of an issuer', () => {
  let issuer: Issuer
  let now: number
  const opened = (timeoutMs?: number) =>
    remoteKeys({ url: issuer.url, log: pino({ level: 'silent' }), now: () => now, ...(timeoutMs !== undefined && { timeoutMs }) })
  const thrown = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error) => error,
    )

  beforeEach(async () => {
    now = 1_000_000_000_000
    issuer = await startIssuer()
  })
  afterEach(() => issuer.close())

  it('are fetched once by however many want one, and kept as long as the issuer says', async () => {
    const keys = opened()
    const found = await Promise.all(Array.from({ length: 20 }, () => keys.find(issuer.key.kid)))
    for (const key of found) expect(key?.equals(issuer.key.publicKey)).to.equal(true)
    now += 3_599_000
    await keys.find(issuer.key.kid)
    expect(issuer.asked).to.equal(1)
    now += 1000
    await keys.find(issuer.key.kid)
    expect(issuer.asked).to.equal(2)
  })

  it('are as old as a cache on the way says', async () => {
    issuer.headers = { 'Cache-Control': 'max-age=100', Age: '40' }
    const keys = opened()
    await keys.find(issuer.key.kid)
    now += 59_000
    await keys.find(issuer.key.kid)
    expect(issuer.asked).to.equal(1)
    now += 1000
    await keys.find(issuer.key.kid)
    expect(issuer.asked).to.equal(2)
  })

  it('are fetched again as soon as a new one turns up', async () => {
    const keys = opened()
    await keys.find(issuer.key.kid)
    issuer.rotate()
    expect((await keys.find(issuer.key.kid))?.equals(issuer.key.publicKey)).to.equal(true)
  })

  it('are not fetched for every name that somebody makes up', async () => {
    const keys = opened()
    for (let n = 0; n < 100; n++) expect(await keys.find(`made up ${n}`)).to.equal(undefined)
    const asked = issuer.asked
    expect(asked).to.be.lessThan(10)
    issuer.rotate()
    now += 10_000
    expect(await keys.find(issuer.key.kid), 'a new key is still found soon').not.to.equal(undefined)
    expect(issuer.asked).to.equal(asked + 1)
  })

  for (const mood of ['failing', 'babbling', 'mute'] as const)
    it(`that are known serve on for a while when the issuer is ${mood}`, async () => {
      const keys = opened(100)
      const { kid } = issuer.key
      await keys.find(kid)
      issuer.mood = mood
      now += 3_600_000
      expect(await keys.find(kid)).not.to.equal(undefined)
      expect(await thrown(keys.find('another')), 'it may well have this one').to.be.instanceOf(KeysUnavailable)
      const { asked } = issuer
      await keys.find(kid)
      expect(issuer.asked, 'it is given a rest').to.equal(asked)
      now += 7 * 3_600_000
      expect(await thrown(keys.find(kid)), 'but not for ever').to.be.instanceOf(KeysUnavailable)
      issuer.mood = 'well'
      now += 5000
      expect(await keys.find(kid)).not.to.equal(undefined)
    })

  it('that were never had are said to be out of reach, at once while the issuer rests', async () => {
    issuer.mood = 'mute'
    const keys = opened(100)
    expect(await thrown(keys.find('any'))).to.be.instanceOf(KeysUnavailable)
    for (let n = 0; n < 50; n++) expect(await thrown(keys.find('any'))).to.be.instanceOf(KeysUnavailable)
    expect(issuer.asked).to.equal(1)
  })

  it('may come as certificates', async () => {
    const keys = remoteKeys({
      url: `data:application/json,${encodeURIComponent(JSON.stringify({ one: CERTIFICATE, two: 'x' }))}`,
      log: pino({ level: 'silent' }),
    })
    expect((await keys.find('one'))?.asymmetricKeyType).to.equal('rsa')
    expect(await keys.find('two')).to.equal(undefined)
  })
})
