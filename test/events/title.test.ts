import { expect } from 'chai'
import { normalized } from '#events/kit/normal-form.ts'
import { titleOf } from '#events/title.ts'
import { searchable } from '#platform/text/fold.ts'
import { PLACEHOLDERS } from './placeholders.ts'

describe('the title of a video', () => {
  for (const none of PLACEHOLDERS)
    it(`is none when a client sends ${JSON.stringify(none)}`, () => expect(titleOf(none)).to.equal(null))

  for (const title of [
    'One',
    ' One ',
    'One - YouTube',
    '(3) One',
    '(3)',
    'YouTube Rewind',
    'No YouTube video found. Why?',
    '-',
    '',
  ])
    it(`stays to the letter: ${JSON.stringify(title)}`, () => expect(titleOf(title)).to.equal(title))

  it('is looked at in time, also when it is a letter under millions of marks', () => {
    const pile = `a${'\u0301\u0316'.repeat(1_000_000)}`
    expect(titleOf(pile)).to.equal(pile)
    expect(titleOf(' '.repeat(1_000_000))).to.equal(null)
    expect([...normalized(pile, 'NFKD')].length).to.equal(31)
    expect(searchable(pile)).to.equal('a')
  })
})
