import { expect } from 'chai'
import fc from 'fast-check'
import { EmailError, emailOf } from '#services/api/auth/email.ts'

describe('an e-mail address', () => {
  it('is stripped and in lower case', () => {
    const cases: [string, string][] = [
      ['a@b.co', 'a@b.co'],
      ['  Bob.Smith+tag@Example.COM \n', 'bob.smith+tag@example.com'],
      ['Bob <a@b.co>', 'a@b.co'],
      ['"Smith, Bob" <A@b.co>', 'a@b.co'],
      ['<a@b.co>', 'a@b.co'],
      ["o'neil!#$%&*+-/=?^_`{|}~@example.com", "o'neil!#$%&*+-/=?^_`{|}~@example.com"],
      ['a@xn--bcher-kva.example', 'a@bücher.example'],
      ['a@BÜCHER.example', 'a@bücher.example'],
      ['jörg@bücher.example', 'jörg@bücher.example'],
      ['jo\u0308rg@example.com', 'jörg@example.com'],
      ['用户@例子.广告', '用户@例子.广告'],
      ['a@b。co', 'a@b.co'],
      ['a@1-2.a-b.co', 'a@1-2.a-b.co'],
      [`${'a'.repeat(64)}@b.co`, `${'a'.repeat(64)}@b.co`],
    ]
    for (const [given, email] of cases) expect(emailOf(given), given).to.equal(email)
  })

  it('is refused for what no mail can be sent to', () => {
    for (const given of [
      '',
      ' ',
      'ab.co',
      '@b.co',
      'a@',
      'a@b@c.co',
      'a@b',
      'a@localhost',
      'a@b.test',
      'a@b.invalid',
      'a@b.local',
      'a@b.localhost',
      'a@test',
      'a@1.in-addr.arpa',
      '.a@b.co',
      'a.@b.co',
      'a..b@b.co',
      'a@.b.co',
      'a@b.co.',
      'a@b..co',
      'a b@c.co',
      'a@b c.co',
      '"a b"@c.co',
      '"a"@c.co',
      'a(b)@c.co',
      'a,b@c.co',
      'a@[127.0.0.1]',
      'a@127.0.0.1',
      'a@b.123',
      'a@a_b.co',
      'a@-b.co',
      'a@b-.co',
      'a@ab--c.co',
      'a@xn--\u00fc.co',
      'a@b/c.co',
      'a@b%41.co',
      'a@b:80.co',
      'a\u200b@b.co',
      'a\u00a0b@b.co',
      '\u0301a@b.co',
      'a\0@b.co',
      '\ud800@b.co',
      `${'a'.repeat(65)}@b.co`,
      `a@${'b'.repeat(64)}.co`,
      `${'a'.repeat(64)}@${'b.'.repeat(100)}co`,
      'Bob a@b.co',
      'Bob <a@b.co',
      'Bob <a@b.co> x',
      'b@c.co <a@b.co>',
      `${' '.repeat(2048)}a@b.co`,
    ])
      expect(() => emailOf(given), given).to.throw(EmailError)
  })

  it('is the same when read again', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'B', '1', '.', '-', '_', 'é', 'ß', 'İ', 'Σ', '例', '@', ' ', '<', '"'),
      maxLength: 12,
    })
    fc.assert(
      fc.property(part, part, (local, domain) => {
        let email: string
        try {
          email = emailOf(`${local}@${domain}.co`)
        } catch (error) {
          return expect(error).to.be.instanceOf(EmailError) && true
        }
        expect(emailOf(email)).to.equal(email)
      }),
      { numRuns: 3000 },
    )
  })
})
