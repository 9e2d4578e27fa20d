import { expect } from 'chai'
import fc from 'fast-check'
import { z } from 'zod'
import { validate } from '#platform/http/run.ts'
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
      `https://youtube.com./watch?v=${ID}`,
      `https://youtu.be/${ID}`,
      `https://youtu.be///${ID}/x?t=1`,
      `youtu.be/${ID}#x`,
      `https://www.youtu.be/${ID}`,
    ])
      expect(videoIdOf(given), given).to.equal(ID)
  })

  it('is found in an address with line breaks and tabs in it, as browsers find it', () => {
    const addresses = [`https://www.youtube.com/watch?v=${ID}`, `youtu.be/${ID}`, `http://m.youtube.com/shorts/${ID}?a=b`]
    const breaks = fc.array(fc.tuple(fc.nat(), fc.constantFrom('\n', '\r\n', '\t', '\r')), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.constantFrom(...addresses), breaks, (address, places) => {
        let broken = address
        for (const [place, sign] of places) {
          const at = place % (broken.length + 1)
          broken = broken.slice(0, at) + sign + broken.slice(at)
        }
        expect(videoIdOf(broken)).to.equal(ID)
      }),
    )
    expect(reason(`${ID.slice(0, 5)}\n${ID.slice(5)}`), 'an id that is broken is none').to.equal(INVALID)
    expect(reason(' \n\t ')).to.equal('video_id cannot be empty')
    expect(reason(`https://youtube.com/watch?v=${ID}&li\nst=PL1`)).to.equal('playlist URLs are not supported')
  })

  it('is found only where a browser would go to YouTube', () => {
    const labels = fc.stringMatching(/^[a-z0-9-]{1,12}$/)
    const hosts = fc.constantFrom('youtube.com', 'youtu.be', 'www.youtube.com')
    const dress = fc.constantFrom(
      (host: string, label: string) => `${host}.${label}.example`,
      (host: string, label: string) => `${label}${host}`,
      (host: string, label: string) => `${label}-${host}`,
      (host: string, label: string) => `${host}.${label}`,
      (host: string, label: string) => `${host}:80@${label}.example`,
      (host: string, label: string) => `${label}.example\\@${host}`,
      (host: string, label: string) => `${label}.example\\.${host}`,
      (host: string, label: string) => `${host}%2e${label}.example`,
      (host: string, label: string) => `${label}@${host}`,
      (host: string, label: string) => `${label}.${host}`,
      (host: string) => host.replaceAll('.', '\uff0e'),
      (host: string) => host.replaceAll('.', '%2e'),
      (host: string) => host.replace('o', '\u043e'),
    )
    const ours = /^((.+\.)?youtube\.com|(www\.)?youtu\.be)$/
    const pages = fc.constantFrom(`/watch?v=${ID}`, `/${ID}`, `/embed/${ID}`)
    fc.assert(
      fc.property(hosts, labels, dress, pages, (host, label, dressed, page) => {
        const address = `https://${dressed(host, label)}${page}`
        if (reason(address).startsWith('found')) expect(URL.parse(address)?.hostname, address).to.match(ours)
      }),
      { numRuns: 1000 },
    )
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
      `https://youtube.com.evil.example/watch?v=${ID}`,
      `https://notyoutube.com/watch?v=${ID}`,
      `https://youtu.be.evil.example/${ID}`,
      `https://evil.example\\@youtube.com/watch?v=${ID}`,
      `https://youtube.com@evil.example/watch?v=${ID}`,
      `https://evil.example/youtube.com/watch?v=${ID}`,
      `https://evil.example?youtube.com/watch?v=${ID}`,
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
