import { expect } from 'chai'
import fc from 'fast-check'
import { caseless, searchable, soughtIn } from '#platform/text/fold.ts'

const FORMS = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const
const CASES: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  'in capitals': (text) => text.toUpperCase(),
  'in small letters': (text) => text.toLowerCase(),
  'in Turkish capitals': (text) => text.toLocaleUpperCase('tr'),
  'in Turkish small letters': (text) => text.toLocaleLowerCase('tr'),
}

/** What a word looks like when it is typed with another keyboard, on another system, or with Shift held down. */
const spellingsOf = (word: string) =>
  new Set(
    Object.values(CASES).flatMap((cased) => [
      cased(word),
      ...FORMS.flatMap((form) => [cased(word.normalize(form)), cased(word).normalize(form)]),
    ]),
  )

const beginningsOf = (word: string) => {
  const chars = [...word]
  return chars.map((_, i) => chars.slice(0, i + 1).join(''))
}

const isFound = (query: string, title: string) => searchable(title).includes(soughtIn(query))

const WORDS: Record<string, string[]> = {
  Latin: ['Café', 'naïve', 'Ångström', 'Tiếng', 'Việt', 'a\u0316\u0301b', 'q\u0307\u0323x', 'ǅungla', 'ŉ'],
  Turkish: ['İSTANBUL', 'istanbul', 'ISPARTA', 'ısparta', 'Diyarbakır'],
  German: ['Straße', 'STRASSE', 'GROẞ', 'Übermut'],
  Greek: ['ΟΔΥΣΣΕΥΣ', 'Ὀδυσσεύς', 'ᾧ', 'ᾼδης', 'ΐ', 'φῶς'],
  Cyrillic: ['Ёлка', 'й', 'Їжак'],
  Arabic: ['مُحَمَّدٌ', 'السَّلَامُ', 'إسلام', 'ﷺ', 'ﻻ'],
  Hebrew: ['שָׁלוֹם', 'שּׁ', 'בְּרֵאשִׁית'],
  Devanagari: ['हिन्दी', 'क़िला', 'क\u094d\u093cष', 'ज़्यादा'],
  Bengali: ['কোলকাতা', 'ড়'],
  Hangul: ['한국어', '값', '\u1112\u1161\u11ab'],
  Thai: ['น้ำ', 'กี่', 'ผู้ใหญ่', 'กุ\u0e48', 'ก\u0e48ุ'],
  Japanese: ['ガラス', 'ｶﾞﾗｽ', 'ばぱ', '東京'],
  'full width': ['Ｆｕｌｌ', 'ＡＢＣ１２３'],
  ligatures: ['ﬁnance', 'oﬃce', 'ﬅ', 'Ǆ', 'և'],
  emoji: ['👩‍👩‍👧', '❤️', '🇩🇪', '👍🏽', 'a👍b'],
  invisible: ['co\u00adop', 'می\u200cخواهم', 'a\u200db'],
}

describe('a text that is searched', () => {
  for (const [script, words] of Object.entries(WORDS))
    it(`is found by each beginning of its words, whatever the spelling: ${script}`, () => {
      for (const word of words)
        for (const title of spellingsOf(word))
          for (const typed of spellingsOf(word))
            for (const query of beginningsOf(typed))
              expect(isFound(query, `x ${title}y`), `${query} (${codes(query)}) in ${title} (${codes(title)})`).to.equal(true)
    })

  it('is found by each beginning of any text whatever, with its marks in any order', () => {
    const mark = fc.constantFrom(...'\u0300\u0307\u0316\u0323\u064b\u0651\u05b0\u05bc\u093c\u094d\u0e38\u0e48\u3099')
    const letter = fc.constantFrom(...Object.values(WORDS).flat().join('').normalize('NFD'))
    const cluster = fc.tuple(letter, fc.array(mark, { maxLength: 4 })).map(([base, marks]) => [base, ...marks].join(''))
    // The iota below is a letter in capitals, so it stands where it is written: it is tried with the Greek words only.
    const hasIota = (text: string) => text.normalize('NFD').includes('\u0345')
    const word = fc
      .oneof(
        fc.array(cluster, { minLength: 1, maxLength: 5 }).map((all) => all.join('')),
        fc.string({ unit: 'binary' }),
      )
      .filter((text) => !hasIota(text))
    const form = fc.constantFrom(...FORMS, undefined)
    const cased = fc.constantFrom(...Object.values(CASES))
    const written = (text: string, [change, into]: [(text: string) => string, (typeof FORMS)[number] | undefined]) =>
      into ? change(text).normalize(into) : change(text)
    fc.assert(
      fc.property(word, fc.tuple(cased, form), fc.tuple(cased, form), (text, stored, typed) => {
        const title = written(text, stored)
        for (const query of beginningsOf(written(text, typed))) if (!isFound(query, title)) return false
        return true
      }),
      { numRuns: 3000 },
    )
  })

  it('has the same form in every spelling of every character that Unicode has a second spelling for', () => {
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue
      const char = String.fromCodePoint(code)
      const small = char.toLowerCase()
      const capital = char.toUpperCase()
      const plain = char.normalize('NFKD')
      if (small === char && capital === char && plain === char) continue
      const form = searchable(char)
      for (const other of [small, capital, plain, char.normalize('NFC'), char.normalize('NFD')])
        if (searchable(other) !== form) expect(searchable(other), `${codes(other)} of ${codes(char)}`).to.equal(form)
    }
  })

  it('is found by what is visible of it, whatever invisible characters either has', () => {
    for (const [visible, text] of [
      ['coop', 'co\u00adop'],
      ['ab', 'a\u200db'],
      ['میخواهم', 'می\u200cخواهم'],
      ['❤', '❤\ufe0f'],
      ['note', '\u2060note\ufeff'],
    ] as const) {
      expect(isFound(visible, text), `${visible} in ${codes(text)}`).to.equal(true)
      expect(isFound(text, visible), `${codes(text)} in ${visible}`).to.equal(true)
    }
  })

  it('is not found by other letters, other vowels or other signs', () => {
    for (const [query, title] of [
      ['か り', 'が り'],
      ['कीx', 'काx'],
      ['กีx', 'กิx'],
      ['strase', 'Straße'],
      ['a%b', 'a b'],
      ['👍👎', '👍👍'],
      ['한', '항'],
    ] as const)
      expect(isFound(query, title), `${query} in ${title}`).to.equal(false)
  })
})

describe('a text without case', () => {
  it('is the same in every normal form, with any blanks', () => {
    for (const [one, other] of [
      ['İstanbul', 'istanbul'],
      ['Straße', 'STRASSE'],
      ['é', 'E\u0301'],
      ['ΟΔΟΣ', 'οδος'],
      ['a\u00a0 b', 'A b'],
      ['Ｆ', 'f'],
    ] as const)
      expect(caseless(one), one).to.equal(caseless(other))
  })

  it('keeps the accents', () => expect(caseless('résumé')).not.to.equal(caseless('resume')))
})

const codes = (text: string) => [...text].map((char) => char.codePointAt(0)!.toString(16)).join(' ')
