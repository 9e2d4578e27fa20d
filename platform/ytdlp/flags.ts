import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Trouble } from '../trouble.ts'

/** How yt-dlp gets to YouTube. */
export interface YtDlpWays {
  /** A file of cookies in Netscape's format. */
  cookies?: string
  proxy?: string
  /** As yt-dlp takes them, blanks between: `youtube:player_client=tv youtubepot-bgutilhttp:base_url=…`. */
  extractorArgs?: string
}

/** Translations by machine are asked for one by one and answered with 429. */
const NO_TRANSLATIONS = ['youtube', 'skip=translated_subs'] as const

/** The first Node that yt-dlp takes as its JavaScript runtime. */
const NODE_MAJOR = 22

/**
 * What every run is called with. What may hold a secret goes by a file that only we can read, for everybody on this machine sees
 * the arguments of a process; cookies are copied, for yt-dlp writes them back and two at once would spoil them.
 * @param folder of this run alone
 * @throws Trouble when the cookies cannot be read
 */
export function commonFlags({ cookies, proxy, extractorArgs }: YtDlpWays, folder: string): string[] {
  const lines = mergedExtractorArgs(extractorArgs).map((args) => `--extractor-args ${quoted(args)}`)
  if (proxy) lines.push(`--proxy ${quoted(proxy)}`)
  if (cookies) {
    const copy = join(folder, 'cookies.txt')
    try {
      copyFileSync(cookies, copy)
    } catch (error) {
      throw new Trouble(`YTDLP_COOKIES ${cookies} cannot be read (${(error as NodeJS.ErrnoException).code})`)
    }
    lines.push(`--cookies ${quoted(copy)}`)
  }
  const config = join(folder, 'yt-dlp.conf')
  writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 })
  return [
    '--ignore-config',
    '--config-locations',
    config,
    '--no-playlist',
    '--no-progress',
    '--color',
    'never',
    '--socket-timeout',
    '15',
    '--retries',
    '2',
    '--extractor-retries',
    '1',
    ...jsRuntime(),
  ]
}

const jsRuntime = () =>
  Number(process.versions.node.split('.')[0]) >= NODE_MAJOR ? ['--js-runtimes', `node:${process.execPath}`] : []

/** Of several for one extractor yt-dlp takes the last, so ours goes into the one that is given. */
export function mergedExtractorArgs(given = ''): string[] {
  const byExtractor = new Map<string, string[]>([[NO_TRANSLATIONS[0], []]])
  for (const part of given.split(/\s+/).filter(Boolean)) {
    const [extractor, args] = [part.slice(0, part.indexOf(':')).toLowerCase(), part.slice(part.indexOf(':') + 1)]
    byExtractor.set(extractor, [...(byExtractor.get(extractor) ?? []), ...args.split(';').filter(Boolean)])
  }
  const youtube = byExtractor.get('youtube')!
  const skip = youtube.findIndex((arg) => arg.startsWith('skip='))
  if (skip < 0) youtube.push(NO_TRANSLATIONS[1])
  else if (!youtube[skip]!.includes('translated_subs')) youtube[skip] += ',translated_subs'
  return [...byExtractor].map(([extractor, args]) => `${extractor}:${args.join(';')}`)
}

/** As yt-dlp's configuration files have it. */
const quoted = (text: string) => `'${text.replaceAll("'", `'"'"'`)}'`
