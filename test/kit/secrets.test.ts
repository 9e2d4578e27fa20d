import { expect } from 'chai'
import { findSecrets } from './secrets.ts'

const secret = 'pa"ss wörd/1'
const found = (text: string) => findSecrets(['nothing here', text], ['another', secret])

describe('looking for secrets', () => {
  const disguises: Record<string, string> = {
    'plain text': `{"password":"${secret}"}`,
    JSON: JSON.stringify({ password: secret }),
    'JSON in JSON': JSON.stringify({ body: JSON.stringify({ password: secret }) }),
    'percent encoding': `?password=${encodeURIComponent(secret)}&x`,
    hex: Buffer.from(`x${secret}y`).toString('hex'),
    'upper-case hex': Buffer.from(secret).toString('hex').toUpperCase(),
  }
  for (const [as, text] of Object.entries(disguises))
    it(`finds one as ${as}`, () => expect(found(text)).to.deep.include({ secret: 1, as, text: 1 }))

  for (const before of ['', 'a', 'ab', 'abc', 'user:'])
    for (const after of ['', 'z', 'zz'])
      it(`finds one in base64 between '${before}' and '${after}'`, () => {
        const text = Buffer.from(before + secret + after)
        expect(found(`Basic ${text.toString('base64')}`)).not.to.deep.equal([])
        expect(found(`e30.${text.toString('base64url')}.sig`)).not.to.deep.equal([])
      })

  it('finds none where there is none', () => expect(found('pa"ss word/1 cGFz')).to.deep.equal([]))

  it('tells where, and not what', () => expect(JSON.stringify(found(secret))).not.to.include(secret))

  it('refuses secrets so short that they would be found anywhere', () =>
    expect(() => findSecrets([], ['1234'])).to.throw('by chance'))
})
