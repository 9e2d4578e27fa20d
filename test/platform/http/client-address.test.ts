import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect } from 'chai'
import { addressOf, trustedProxies } from '#platform/http/client-address.ts'

/** A request whose connection comes from `peer`. */
function requestFrom(peer: string | undefined, forwarded?: string): IncomingMessage {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: peer })
  const request = new IncomingMessage(socket)
  if (forwarded !== undefined) request.headers['x-forwarded-for'] = forwarded
  return request
}

const address = (trusted: string, peer: string | undefined, forwarded?: string) =>
  addressOf(trustedProxies(trusted))(requestFrom(peer, forwarded))

describe('where a request comes from', () => {
  it('is the other end of its connection, whatever it says, while nobody is trusted', () => {
    expect(address('0', '192.0.2.9')).to.equal('192.0.2.9')
    expect(address('0', '192.0.2.9', '198.51.100.1')).to.equal('192.0.2.9')
    expect(address('0', undefined, '198.51.100.1')).to.equal(undefined)
  })

  it('is what the last so many proxies have seen', () => {
    expect(address('1', '10.0.0.1', '198.51.100.1')).to.equal('198.51.100.1')
    expect(address('1', '10.0.0.1', '6.6.6.6, 198.51.100.1')).to.equal('198.51.100.1')
    expect(address('2', '10.0.0.1', '6.6.6.6, 198.51.100.1, 10.0.0.2')).to.equal('198.51.100.1')
    expect(address('1', '10.0.0.1')).to.equal('10.0.0.1')
  })

  it('is the nearest that is in no trusted network', () => {
    const trusted = '10.0.0.0/8, loopback,2001:db8::/32'
    expect(address(trusted, '10.0.0.1', '6.6.6.6, 198.51.100.1, 10.9.9.9')).to.equal('198.51.100.1')
    expect(address(trusted, '::ffff:10.0.0.1', '198.51.100.1')).to.equal('198.51.100.1')
    expect(address(trusted, '2001:db8::1', '2001:470::5')).to.equal('2001:470::5')
    expect(address(trusted, '198.51.100.7', '6.6.6.6'), 'who is no proxy may say what it likes').to.equal('198.51.100.7')
  })

  it('may have a port', () => {
    expect(address('1', '10.0.0.1', '198.51.100.1:51234')).to.equal('198.51.100.1')
    expect(address('1', '10.0.0.1', '[2001:470::5]:51234')).to.equal('2001:470::5')
  })

  it('is the proxy where that says nothing that is an address', () => {
    for (const forwarded of ['', 'unknown', '999.1.1.1', '1.2.3.4.5', '<script>', ',', ' , '])
      expect(address('1', '10.0.0.1', forwarded), forwarded).to.equal('10.0.0.1')
  })

  it('tells once that somebody says where from and is not trusted', () => {
    let told = 0
    const from = addressOf(0, () => told++)
    from(requestFrom('192.0.2.9'))
    expect(told).to.equal(0)
    for (let n = 0; n < 3; n++) from(requestFrom('192.0.2.9', '198.51.100.1'))
    expect(told).to.equal(1)
  })

  it('is not guessed from settings that mean nothing', () => {
    for (const text of ['x', '1.2.3', '10.0.0.0/99', '-1', 'true', '10.0.0.0/8,', '*'])
      expect(() => trustedProxies(text), text).to.throw(TypeError)
  })
})
