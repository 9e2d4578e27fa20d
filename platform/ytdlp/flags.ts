import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../operator-error.ts'

/** Operator settings with which yt-dlp reaches YouTube. */
export interface YtDlpWays {
  /** Path of a cookie file in Netscape format. */
  cookies?: string
  proxy?: string
  /** In yt-dlp's syntax, separated by blanks: `youtube:player_client=tv youtubepot-bgutilhttp:base_url=…`. */
  extractorArgs?: string
}

/** Skips machine translations: yt-dlp requests them one by one, and YouTube answers with 429. */
const NO_TRANSLATIONS = ['youtube', 'skip=translated_subs'] as const

/** The first major version of Node that yt-dlp accepts as its JavaScript runtime. */
const NODE_MAJOR = 22

/**
 * The flags of every run. Flags that may contain secrets go into a file that only our user can read, because all users of the machine
 * see the arguments of a process. Cookies are copied, because yt-dlp writes them back and two runs at once would corrupt the file.
 * @param folder used by this run only
 * @throws OperatorError when the cookies cannot be read
 */
export function commonFlags({ cookies, proxy, extractorArgs }: YtDlpWays, folder: string): string[] {
  const lines = mergedExtractorArgs(extractorArgs).map((args) => `--extractor-args ${quoted(args)}`)
  if (proxy) lines.push(`--proxy ${quoted(proxy)}`)
  if (cookies) {
    const copy = join(folder, 'cookies.txt')
    try {
      copyFileSync(cookies, copy)
    } catch (error) {
      throw new OperatorError(`YTDLP_COOKIES ${cookies} cannot be read (${(error as NodeJS.ErrnoException).code})`)
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

/** Merges our argument into the given ones: of several arguments for one extractor yt-dlp uses only the last. */
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

/** Quotes a value for yt-dlp's configuration file. */
const quoted = (text: string) => `'${text.replaceAll("'", `'"'"'`)}'`
