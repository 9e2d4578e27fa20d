import { expect } from 'chai'
import fc from 'fast-check'
import { z } from 'zod'
import { validate } from '#platform/http/validate.ts'
import { VideoIdError, videoIdField, videoIdOf } from '#services/api/video-id.ts'

const ID = 'dQw4w9WgXcQ'
const ids = fc.stringMatching(/^[A-Za-z0-9_-]{11}$/)
const INVALID = 'video_id must be a valid YouTube video ID'

const reason = (given: string) => {
  try {
    return `found ${videoIdOf(given)}`
  } catch (error) {
    if (error instanceof VideoIdError) return error.message
    throw error
  }
}

describe('a video id', () => {
  it('is found in every kind of address', () => {
    for (const given of [
      ID,
      `  ${ID}\n`,
      `\u3000${ID}\x85`,
      `https://www.youtube.com/watch?v=${ID}`,
      `http://youtube.com/watch?v=${ID}&t=10s#there`,
      `https://m.youtube.com/watch?app=desktop&v=${ID}`,
      `https://music.youtube.com/watch?v=${ID}`,
      `youtube.com/watch?v=${ID}`,
      `WWW.YouTube.COM/watch?v=${ID}`,
      `https://youtube.com/watch?v=&v=${ID}`,
      'https://youtube.com/watch?v=%64Qw4w9WgXcQ',
      `https://youtube.com:443/watch?v=${ID}`,
      `https://me:secret@youtube.com/watch?v=${ID}`,
      `https://www.youtube.com/shorts/${ID}`,
      `https://www.youtube.com/shorts/${ID}/more?a=b#c`,
      `https://youtube.com/live/${ID}?si=x`,
      `https://youtube.com/embed/${ID}`,
      `https://notyoutube.com/watch?v=${ID}`,
      `https://youtu.be/${ID}`,
      `https://youtu.be///${ID}/x?t=1`,
      `youtu.be/${ID}#x`,
      `https://www.youtu.be/${ID}`,
    ])
      expect(videoIdOf(given), given).to.equal(ID)
  })

  it('is refused with its reason', () => {
    const cases: [string, string][] = [
      ['', 'video_id cannot be empty'],
      [' \u2003 ', 'video_id cannot be empty'],
      [`https://youtube.com/watch?v=${ID}&list=PL1`, 'playlist URLs are not supported'],
      ['list=', 'playlist URLs are not supported'],
      ['https://[bad/watch', 'Invalid IPv6 URL'],
    ]
    for (const [given, message] of cases) expect(reason(given)).to.equal(message)
    for (const given of [
      `${ID}x`,
      'dQw4w9WgXc',
      'dQw4w9WgXc\u0661',
      `\ufeff${ID}`,
      `https://youtube.com/v/${ID}`,
      `https://youtube-nocookie.com/embed/${ID}`,
      `https://m.youtu.be/${ID}`,
      `HTTPS://youtube.com/watch?v=${ID}`,
      `https://youtube.com/watch/?v=${ID}`,
      `https://youtube.com/Watch?v=${ID}`,
      `https://youtube.com/watch?V=${ID}`,
      `https://youtube.com/shorts/${ID}&x=1`,
      `https://youtube.com/watch?v=${ID}x&v=${ID}`,
      `ftp://youtube.com/watch?v=${ID}`,
      `//youtube.com/watch?v=${ID}`,
      `https://vimeo.com/watch?v=${ID}`,
      'https://youtube.com/watch',
      'https://youtube.com',
      'https://youtu.be',
      'https://',
    ])
      expect(reason(given), given).to.equal(INVALID)
  })

  it('is the same however it is dressed', () => {
    const dress = fc.constantFrom(
      (id: string) => id,
      (id: string) => ` ${id} `,
      (id: string) => `https://www.youtube.com/watch?feature=share&v=${id}`,
      (id: string) => `youtu.be/${id}?t=3`,
      (id: string) => `http://youtube.com/shorts/${id}/`,
      (id: string) => `https://m.youtube.com/live/${id}#x`,
    )
    fc.assert(fc.property(ids, dress, (id, dressed) => videoIdOf(dressed(id)) === id))
  })

  it('is found or refused in any text, never anything else', () => {
    const pieces = fc.array(
      fc.constantFrom(
        'https://',
        'http:',
        '/',
        '//',
        '?',
        '&',
        '#',
        'v=',
        'youtube.com',
        'youtu.be',
        'watch',
        'shorts',
        ID,
        '[',
        ']',
        '@',
        ':',
        '%',
        '%2',
        ' ',
        '\0',
        'www.',
        '😀',
      ),
    )
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      pieces.map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(texts, (given) => {
        const found = reason(given)
        if (found.startsWith('found')) expect(found).to.match(/^found [\w-]{11}$/)
      }),
      { numRuns: 2000 },
    )
  })

  it('is a field whose problem is a value error', () => {
    const { error } = validate(
      { params: z.object({ video_id: videoIdField }) },
      { params: { video_id: 'x' }, query: undefined, body: undefined },
    )
    expect(error?.body)
      .to.have.nested.property('error.details')
      .that.deep.equals([{ field: 'path.video_id', message: `Value error, ${INVALID}`, type: 'value_error' }])
  })
})
