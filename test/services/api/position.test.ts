import { expect } from 'chai'
import fc from 'fast-check'
import { topics } from '#events/topics.ts'
import { HttpError } from '#platform/http/errors.ts'
import type { Place } from '#platform/log/port.ts'
import { placesIn, positionText } from '#services/api/position.ts'

const place = fc.record({
  topic: fc.constantFrom(...topics.map(({ name }) => name)),
  partition: fc.nat(11),
  pos: fc.integer({ min: 1, max: 999_999_999_999_999 }),
})

describe('VidWiz-Position', () => {
  it('is short', () =>
    expect(
      positionText([
        { topic: 'vidwiz.notes', partition: 3, pos: 42 },
        { topic: 'vidwiz.videos', partition: 3, pos: 41 },
        { topic: 'vidwiz.notes', partition: 3, pos: 17 },
      ]),
    ).to.equal('notes.3.42,videos.3.41'))

  it('is read back as the furthest place of each partition', () =>
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 30 }), (places) => {
        const furthest = new Map<string, Place>()
        for (const one of places) {
          const key = `${one.topic} ${one.partition}`
          if (one.pos > (furthest.get(key)?.pos ?? 0)) furthest.set(key, one)
        }
        expect(placesIn(positionText(places))).to.have.deep.members([...furthest.values()])
      }),
    ))

  it('is nothing else', () => {
    const wrong = [
      '',
      'notes',
      'notes.3',
      'notes.3.0',
      'notes.3.-1',
      'notes.3.1.1',
      'notes.12.1',
      'notes.x.1',
      'nothing.3.1',
      'vidwiz.notes.3.1',
      'notes.3.1,',
      'notes.3.1 ,videos.3.1',
      'notes.3.9999999999999999',
      'notes.3.1e3',
      '__proto__.3.1',
      Array(33).fill('notes.3.1').join(','),
    ]
    for (const text of wrong) expect(() => placesIn(text), text).to.throw(HttpError, 'VidWiz-Position')
  })

  it('is no text that somebody made up', () =>
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => placesIn(text)).to.throw(HttpError)
      }),
    ))
})
