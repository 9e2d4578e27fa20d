import { expect } from 'chai'
import { refusal, seen, system } from './kit.ts'

describe('GET /v2/payments/products', () => {
  const api = system()

  it('tells who is signed in that there is nothing to buy, as the web app expects it on the profile page', async () => {
    const { ask } = await api.someone()
    expect(seen(await ask('GET', '/v2/payments/products'))).to.deep.equal([200, '{"products":[]}'])
  })

  it('asks for the token of a user, as all of the profile does', async () => {
    const { ask } = await api.someone()
    const missing = refusal(401, 'Missing or invalid Authorization header')
    expect(seen(await api.ask('GET', '/v2/payments/products'))).to.deep.equal(missing)
    const { token } = (await ask('POST', '/v2/auth/tokens')).json()
    expect(seen(await api.ask('GET', '/v2/payments/products', { token }))).to.deep.equal(
      refusal(401, 'Long-term tokens are not allowed for this endpoint'),
    )
  })
})
