import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readSettings, SettingsError } from '#platform/config/settings.ts'
import { commonFlags, mergedExtractorArgs } from '#platform/ytdlp/flags.ts'

describe('the flags of yt-dlp', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-flags-'))
  after(() => rmSync(folder, { recursive: true }))

  it('never ask for translations, whatever else a person wants of YouTube', () => {
    expect(mergedExtractorArgs()).to.deep.equal(['youtube:skip=translated_subs'])
    expect(mergedExtractorArgs('youtube:player_client=tv')).to.deep.equal(['youtube:player_client=tv;skip=translated_subs'])
    expect(mergedExtractorArgs(' youtube:skip=hls,dash  other:a=b:c ')).to.deep.equal([
      'youtube:skip=hls,dash,translated_subs',
      'other:a=b:c',
    ])
    expect(mergedExtractorArgs('YouTube:skip=translated_subs')).to.deep.equal(['youtube:skip=translated_subs'])
  })

  it('keep what may be a secret out of sight: not among the arguments, and in files for us alone', () => {
    const cookies = join(folder, 'jar')
    writeFileSync(cookies, '# Netscape HTTP Cookie File\n')
    const proxy = "http://me:proxy-pa'ss@127.0.0.1:1"
    const flags = commonFlags({ cookies, proxy, extractorArgs: 'youtube:po_token=web.gvs+hush' }, folder)
    for (const secret of ['proxy-pa', 'hush', cookies]) expect(flags.filter((flag) => flag.includes(secret))).to.deep.equal([])
    const config = join(folder, 'yt-dlp.conf')
    expect(readFileSync(config, 'utf8')).to.contain('hush').and.to.contain(`proxy-pa'"'"'ss`).and.not.to.contain(cookies)
    expect(statSync(config).mode & 0o077).to.equal(0)
  })

  it('are told of in one line when a setting is wrong', () => {
    expect(() => commonFlags({ cookies: '/nowhere/jar' }, folder)).to.throw('YTDLP_COOKIES /nowhere/jar cannot be read (ENOENT)')
    for (const [name, value] of [
      ['YTDLP_PROXY', 'proxy:8080'],
      ['YTDLP_EXTRACTOR_ARGS', 'player_client=tv'],
      ['YTDLP_EXTRACTOR_ARGS', 'youtube: x'],
      ['YOUTUBE_WATCH_URL', 'youtube.com/watch?v='],
      ['API_URL', 'localhost:5000'],
      ['HELPER_POLL_SECONDS', '0'],
    ] as const)
      expect(() => readSettings({ [name]: value }), name).to.throw(SettingsError, new RegExp(`^${name} must be`))
  })
})
