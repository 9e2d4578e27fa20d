import { expect } from 'chai'
import { hashPassword, isPassword, limited } from '#services/api/auth/password.ts'

describe('a password', () => {
  it('is right only to the letter', async () => {
    const hashed = await hashPassword('pässword 😀')
    expect(hashed).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(await isPassword('pässword 😀', hashed)).to.equal(true)
    for (const wrong of ['pässword 😀 ', 'Pässword 😀', 'pa\u0308ssword 😀', ''])
      expect(await isPassword(wrong, hashed)).to.equal(false)
  })

  it('is hashed with a salt of its own', async () => {
    expect(await hashPassword('the same')).not.to.equal(await hashPassword('the same'))
  })

  it('is never right for an account without one', async () => {
    for (const none of [null, undefined])
      for (const guess of ['', 'guess', '\0']) expect(await isPassword(guess, none)).to.equal(false)
  })
})

describe('a limit on works at once', () => {
  it('lets so many run, in order, and refuses when too many wait', async () => {
    const inTurn = limited(2, 2)
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
    const started: number[] = []
    const works = gates.map((gate, n) =>
      inTurn(async () => {
        started.push(n)
        await gate.promise
        return n
      }),
    )
    expect(started).to.deep.equal([0, 1])
    const refused = await inTurn(async () => 4).catch((error) => error)
    expect(refused).to.include({ status: 503 })
    expect(refused.headers).to.deep.equal(['Retry-After', '1'])
    gates[1]!.resolve()
    expect(await works[1]).to.equal(1)
    expect(started).to.deep.equal([0, 1, 2])
    for (const gate of gates) gate.resolve()
    expect(await Promise.all(works)).to.deep.equal([0, 1, 2, 3])
  })

  it('goes on after a work that failed', async () => {
    const inTurn = limited(1, 10)
    const failing = inTurn(() => Promise.reject(new Error('failed')))
    const next = inTurn(async () => 'done')
    expect(await failing.catch((error) => error.message)).to.equal('failed')
    expect(await next).to.equal('done')
    expect(await inTurn(async () => 'again')).to.equal('again')
  })
})
