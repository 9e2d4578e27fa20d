import { expect } from 'chai'
import { isCrossSite, isOurs } from '#services/ops/screen.ts'

describe('the screen before the page for operators', () => {
  it('knows the names under which it is reached, addresses and this machine, and no other name (DNS rebinding)', () => {
    const names = ['127.0.0.1', 'Ops.Example.com']
    for (const host of [
      'localhost:5055',
      'vidwiz.localhost',
      '127.0.0.1:5055',
      '[::1]:5055',
      '10.0.0.7',
      'ops.example.com',
      'OPS.example.com:443',
    ])
      expect(isOurs(host, names), host).to.equal(true)
    for (const host of [
      undefined,
      '',
      'evil.example',
      'evil.example:5055',
      'localhost.evil.example',
      'ops.example.com.evil.example',
      'ops.example.com@evil.example',
      'evil.example/ops.example.com',
      '127.0.0.1.evil.example',
      'xlocalhost',
      '2130706433',
      'ops.example.com:99999x',
    ])
      expect(isOurs(host, names), host).to.equal(false)
  })

  it('tells by what a browser says from where it was sent', () => {
    const host = 'ops.example.com:5055'
    const own = { host, 'sec-fetch-site': 'same-origin' }
    expect(isCrossSite('POST', own)).to.equal(false)
    expect(isCrossSite('POST', { ...own, origin: `https://${host}` })).to.equal(false)
    expect(isCrossSite('GET', { host, 'sec-fetch-site': 'none' })).to.equal(false)
    for (const site of ['cross-site', 'same-site', 'anything'])
      expect(isCrossSite('GET', { host, origin: `https://${host}`, 'sec-fetch-site': site }), site).to.equal(true)
  })

  it('goes by the origin where a browser is too old to say so', () => {
    const host = 'ops.example.com:5055'
    expect(isCrossSite('POST', { host, origin: 'http://ops.example.com:5055' })).to.equal(false)
    for (const origin of [
      'null',
      'http://evil.example',
      'http://ops.example.com',
      'http://ops.example.com:5056',
      'http://ops.example.com.evil.example:5055',
      '',
    ])
      expect(isCrossSite('POST', { host, origin }), origin).to.equal(true)
    expect(isCrossSite('POST', { host, 'sec-fetch-site': 'same-origin', origin: 'null' })).to.equal(true)
  })

  it('lets what is no browser send, but not with the cookie of one', () => {
    expect(isCrossSite('POST', { host: 'localhost' })).to.equal(false)
    expect(isCrossSite('GET', { host: 'localhost', cookie: 'vidwiz_ops=x' })).to.equal(false)
    expect(isCrossSite('POST', { host: 'localhost', cookie: 'vidwiz_ops=x' })).to.equal(true)
  })
})
