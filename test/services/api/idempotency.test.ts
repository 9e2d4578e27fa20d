import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect } from 'chai'
import { HttpError } from '#platform/http/errors.ts'
import { Request } from '#platform/http/request.ts'
import { keysOf } from '#services/api/idempotency.ts'

const keyOf = keysOf('a secret that only this test knows')

function keyed({ key = 'k', path = '/a', body = '{}', actor = 'user-1' as string | null, method = 'POST' } = {}) {
  const message = Object.assign(new IncomingMessage(new Socket()), { method, url: path })
  message.headers['idempotency-key'] = key
  return keyOf(Object.assign(new Request(message), { bytes: Buffer.from(body), actor }))!
}

describe('an Idempotency-Key', () => {
  it('stands for one request of one person', () => {
    expect(keyed()).to.deep.equal(keyed())
    expect(keyed()).to.include({ scope: 'user-1', key: 'k' })
    expect(keyed({ actor: 'user-2' }).scope).to.equal('user-2')
    for (const other of [{ path: '/b' }, { body: '[]' }, { method: 'PATCH' }]) {
      expect(keyed(other).scope).to.equal('user-1')
      expect(keyed(other).fingerprint).not.to.equal(keyed().fingerprint)
    }
  })

  it('of strangers stands for the same request only', () => {
    expect(keyed({ actor: null })).to.deep.equal(keyed({ actor: null }))
    expect(keyed({ actor: null }).scope).not.to.equal(keyed({ actor: null, body: '[]' }).scope)
  })

  it('leaves a fingerprint that nobody without the secret can make', () => {
    const message = Object.assign(new IncomingMessage(new Socket()), { method: 'POST', url: '/a' })
    message.headers['idempotency-key'] = 'k'
    const request = Object.assign(new Request(message), { bytes: Buffer.from('{}'), actor: 'user-1' })
    expect(keysOf('another secret')(request)!.fingerprint).not.to.equal(keyed().fingerprint)
  })

  it('need not be there, but if it is, it must be sane', () => {
    expect(keyOf(new Request(new IncomingMessage(new Socket())))).to.equal(undefined)
    for (const key of ['', 'x'.repeat(256), 'é', 'a\tb']) expect(() => keyed({ key }), key).to.throw(HttpError, 'Idempotency-Key')
    expect(keyed({ key: 'x'.repeat(255) }).key).to.have.length(255)
  })
})
