import { expect } from 'chai'
import { newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type InProcess, startInProcess } from './routes/in-process.ts'

describe('a client that holds a position beyond the end of the log', () => {
  let api: InProcess
  before(async () => {
    api = await startInProcess()
  })
  after(() => api?.stop())

  it('is answered at once that its write is not visible, and the log says once that the database may be another one', async () => {
    const person = await newUser(api.url)
    await eventually(async () => expect((await person.call('GET', '/v2/users/me')).status).to.equal(200))
    for (let n = 0; n < 3; n++) {
      const begun = performance.now()
      const { status, headers } = await person.call('GET', '/v2/users/me', undefined, {
        'vidwiz-position': `users.1.${1_000 + n}`,
      })
      expect([status, headers.get('vidwiz-visible')]).to.deep.equal([200, 'false'])
      expect(performance.now() - begun).to.be.lessThan(1_000)
    }
    const told = api.lines.filter((line) => line.includes('a client holds a position beyond the end of the log'))
    expect(told).to.have.length(1)
    expect(JSON.parse(told[0]!)).to.include({ position: 1_000 })
  })
})
