import { expect } from 'chai'
import fc from 'fast-check'
import { metadataOf } from '#services/helpers/metadata/fields.ts'
import { readJson3 } from '#services/helpers/transcript/json3.ts'
import { mergeRolling } from '#services/helpers/transcript/rolling.ts'
import { rowsOf } from '#services/helpers/transcript/row.ts'
import { plainLine } from '#services/helpers/transcript/text.ts'
import { chooseTrack } from '#services/helpers/transcript/track.ts'
import { readVtt } from '#services/helpers/transcript/vtt.ts'
import { fileOf, type Said } from '#test/kit/youtube-pages.ts'

/** A few words often, so that neighbours are the same now and then. */
const line = fc.oneof(
  fc.constantFrom('yes', 'no', 'yes yes', '[Music]', '♪ la la ♪'),
  fc.array(fc.stringMatching(/^[a-zäé'.,?!]{1,8}$/), { minLength: 1, maxLength: 5 }).map((words) => words.join(' ')),
)
/** One after the other, each for at least a tenth of a second, with pauses or none between. */
const said = fc
  .array(fc.tuple(line, fc.constantFrom(0, 0, 40, 700, 3_000), fc.integer({ min: 100, max: 9_000 })), {
    minLength: 1,
    maxLength: 30,
  })
  .map((lines) => {
    let now = 0
    return lines.map(([text, pauseMs, lengthMs]): Said => {
      const start = now + pauseMs
      now = start + lengthMs
      return [text, start / 1000, lengthMs / 1000]
    })
  })
const texts = (all: readonly Said[]) => all.map(([text]) => text)
const offsets = (all: readonly Said[]) => all.map(([, offset]) => offset)

describe('captions', () => {
  for (const format of ['json3', 'vtt'] as const) {
    const read = format === 'json3' ? readJson3 : readVtt

    it(`in ${format} are read as they were said`, () =>
      fc.assert(
        fc.property(said, (all) => {
          const rows = rowsOf(read(fileOf({ language: 'en', format, said: all })))
          expect(rows).to.deep.equal(all.map(([text, offset, duration]) => ({ text, offset, duration })))
        }),
      ))

    it(`in ${format} that roll are left once each, in order, when they were said, and none goes on over the next`, () =>
      fc.assert(
        fc.property(said, (all) => {
          const rows = rowsOf(mergeRolling(read(fileOf({ language: 'en', format, said: all, isAutomatic: true }))))
          expect(rows.map(({ text }) => text)).to.deep.equal(texts(all))
          expect(rows.map(({ offset }) => offset)).to.deep.equal(offsets(all))
          for (const [i, { offset, duration }] of rows.entries()) {
            expect(duration).to.be.greaterThan(0)
            if (rows[i + 1]) expect(offset + duration).to.be.at.most(rows[i + 1]!.offset + 1e-9)
          }
        }),
      ))

    it(`that are not ${format} are refused, whatever they are`, () =>
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
          try {
            for (const { text: said, offset, duration } of rowsOf(read(text))) {
              expect(said).to.be.a('string').and.not.equal('')
              expect(offset).to.be.at.least(0)
              expect(duration).to.be.at.least(0)
            }
          } catch (error) {
            expect(error).to.be.instanceOf(SyntaxError)
          }
        }),
      ))
  }

  it('by hand that say something twice are left as they are: only automatic ones roll', () => {
    const vtt =
      'WEBVTT\n\n1\n00:01.000 --> 00:02.000\nyes\n\n2\n00:02.000 --> 00:03.500 align:start\n<v Ann>yes</v>\nand <i>no</i>\n\nNOTE x\n'
    expect(rowsOf(readVtt(vtt))).to.deep.equal([
      { text: 'yes', offset: 1, duration: 1 },
      { text: 'yes and no', offset: 2, duration: 1.5 },
    ])
  })

  it('lose tags and entities, and keep what was meant so', () => {
    for (const [raw, plain] of [
      ['Tom &amp; Jerry&#39;s &lt;b&gt;', "Tom & Jerry's <b>"],
      ['<font color="#E5E5E5">hi</font><00:00:01.000><c> there</c>', 'hi there'],
      ['[Music] ♪ la&nbsp;la ♪ >> ANN:', '[Music] ♪ la la ♪ >> ANN:'],
      ['if a < b and c > d', 'if a < b and c > d'],
      ['&#x1F600; &unknown; &#99999999;', '😀 &unknown; &#99999999;'],
      ['\u200bzero\ufeff \u0000width', 'zero width'],
    ] as const)
      expect(plainLine(raw)).to.equal(plain)
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => plainLine(text).isWellFormed()))
  })
})

describe('the captions to take', () => {
  const track = (ext = 'json3', url = 'https://x/timedtext') => [
    { ext: 'srv1', url },
    { ext, url },
  ]
  const translated = track('json3', 'https://x/timedtext?lang=hi&tlang=en')
  const chosen = (info: object) => {
    const track = chooseTrack(info)
    return track && [track.key, track.isAutomatic ? 'automatic' : 'by hand', ...(track.isOriginal ? ['original'] : [])].join(' ')
  }

  for (const [what, info, expected] of [
    ['English before all others', { subtitles: { hi: track(), de: track(), en: track() } }, 'en by hand'],
    [
      'by hand before automatic',
      { subtitles: { 'en-GB': track() }, automatic_captions: { en: track(), 'en-orig': track() } },
      'en-GB by hand',
    ],
    ['plain before regional', { subtitles: { 'en-GB': track(), en: track() } }, 'en by hand'],
    [
      'automatic English before Hindi by hand',
      { subtitles: { hi: track() }, automatic_captions: { 'en-orig': track() } },
      'en-orig automatic',
    ],
    [
      'Hindi, not a translation of it',
      { automatic_captions: { en: translated, hi: track(), 'hi-orig': track() } },
      'hi-orig automatic',
    ],
    [
      'else the language that is spoken',
      { subtitles: { fr: track(), de: track() }, automatic_captions: { en: translated, 'de-orig': track() } },
      'de by hand original',
    ],
    ['which the video may tell', { language: 'fr-FR', subtitles: { de: track(), fr: track() } }, 'fr by hand original'],
    ['or what there is', { subtitles: { de: track('vtt') } }, 'de by hand original'],
    ['no chat', { subtitles: { live_chat: [{ ext: 'json', url: 'x' }] } }, undefined],
    ['no format that is not read', { subtitles: { en: [{ ext: 'ttml', url: 'x' }] } }, undefined],
    ['nothing', { subtitles: null }, undefined],
  ] as const)
    it(`are ${what}`, () => expect(chosen(info)).to.equal(expected))
})

describe('metadata', () => {
  it('has the ten fields of the contract and three more, null where nothing is known', () => {
    expect(Object.keys(metadataOf('dQw4w9WgXcQ', {}))).to.deep.equal([
      'id', 'title', 'uploader', 'upload_date', 'duration', 'view_count', 'like_count', 'channel_url', 'description', 'thumbnail',
      'channel', 'uploader_url', 'duration_string',
    ]) // biome-ignore format: as in the contract
    expect(metadataOf('dQw4w9WgXcQ', { id: 'x', title: 't', duration: 212.4, view_count: Number.NaN, thumbnail: 5 })).to.include({
      id: 'dQw4w9WgXcQ',
      title: 't',
      duration: 212,
      view_count: null,
      like_count: null,
      thumbnail: null,
    })
  })
})
