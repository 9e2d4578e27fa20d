import { expect } from 'chai'
import fc from 'fast-check'
import { guessed, maybeOf, nameOf } from '#services/gpu-worker/tutor/language.ts'
import { countOfWords, wordsOf } from '#services/gpu-worker/tutor/words.ts'
import { bees, bienen, brot, lectures } from '#test/kit/lectures.ts'

const textsOf = ({ flashcards, quiz }: typeof bienen) => [
  ...flashcards.map(({ front, back }) => `${front} ${back}`),
  ...quiz.map(({ question, options }) => `${question} ${options.join(' ')}`),
]

describe('the look at a language', () => {
  it('takes each text for what it is', () => {
    for (const { language, said, study } of lectures)
      for (const text of textsOf(study)) expect(maybeOf(language, text, said), text).to.equal(true)
    for (const text of textsOf(bienen)) expect(maybeOf('de-AT', text), text).to.equal(true)
  })

  it('tells English from a language with other letters, and from one with other little words, mostly', () => {
    const english = textsOf(bees.study)
    for (const language of ['hi', 'zh', 'ar', 'ru', 'ja'])
      for (const text of english) expect(maybeOf(language, text), text).to.equal(false)
    for (const language of ['de', 'es', 'fr', 'fi'])
      expect(english.filter((text) => maybeOf(language, text)).length, language).to.be.lessThan(english.length / 2)
    expect(textsOf(brot.study).filter((text) => maybeOf('en', text)).length).to.be.lessThan(5)
  })

  it('does not refuse what it does not know, nor short texts, nor terms in Latin letters', () => {
    for (const text of ['Karl von Frisch', '1973', '']) expect(maybeOf('hi', text)).to.equal(true)
    expect(maybeOf('tlh', 'nuqneH qaStaH nuq jay tlhIngan Hol vIjatlh jIH Daq')).to.equal(true)
    expect(maybeOf('not a tag', brot.said)).to.equal(true)
    expect(maybeOf('hi', 'Kafka में partition क्या होता है, और consumer group किस काम आता है? offset')).to.equal(true)
  })

  it('never fails, whatever the tag', () => {
    const tag = fc.oneof(
      fc.constantFrom('__proto__', 'constructor'),
      fc.string(),
      fc.stringMatching(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/),
    )
    fc.assert(fc.property(tag, (tag) => void [maybeOf(tag, bees.said), maybeOf(tag, brot.said, bees.said), nameOf(tag)]))
    expect(['en-orig', 'zh-Hant-TW', 'sr-Latn'].map((tag) => maybeOf(tag, 'Karl von Frisch watched bees dance'))).to.deep.equal([
      true,
      false,
      true,
    ])
  })

  it('takes Hindi in Latin letters if the transcript is written so', () => {
    const said = 'namaste doston aaj hum samjhenge ki bharat mein monsoon kaise aata hai aur kyon zaroori hai'
    const text = 'Monsoon bharat mein kaise aata hai? Hawa samudra se aati hai.'
    expect([maybeOf('hi', text, said), maybeOf('hi', text)]).to.deep.equal([true, false])
  })

  it('guesses the language of a transcript, or says that it cannot tell', () => {
    for (const { language, said } of lectures) expect(guessed(said)).to.equal(language)
    expect(guessed('こんにちは、今日はお茶の話をします。')).to.equal('ja')
    expect(['12 34', '', 'xyzzy plugh frotz rezrov'].map(guessed)).to.deep.equal(['und', 'und', 'und'])
  })

  it('names languages in English', () => {
    expect(['de', 'pt-BR', 'xx-invalid-1', 'q!'].map(nameOf).slice(0, 2)).to.deep.equal(['German', 'Brazilian Portuguese'])
    expect(nameOf('q!')).to.equal('q!')
  })
})

describe('words', () => {
  it('are the same whatever their case, accents, signs and digits', () => {
    expect(wordsOf('Élan, ÉLAN – élan! 1,500 1.500 १५')).to.deep.equal(['elan', 'elan', 'elan', '1500', '1500', '15'])
  })

  it('are counted by two characters where there are no blanks', () => {
    expect(countOfWords(wordsOf('茶叶很好 tea 3'))).to.equal(4)
  })
})
