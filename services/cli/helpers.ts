import { Command } from 'commander'
import { dataFolder } from '#platform/config/data-folder.ts'
import { pasteable } from '#platform/config/pasteable.ts'
import { readSettings } from '#platform/config/settings.ts'
import { type Breaker, readBreaker } from '#platform/ytdlp/breaker.ts'
import { givenYtDlp, PINNED_VERSION, readyYtDlp, updateYtDlp, type YtDlp } from '#platform/ytdlp/install.ts'
import { helpersResumeAct, resumeHelpers } from '#services/operations/helpers.ts'
import { recorded } from './recorded.ts'

/** `helpers`: shows what keeps transcripts and metadata from being fetched, and lets a person resume or update. */
export const helpersCommand = (): Command => {
  const command = new Command('helpers')
    .description('whether YouTube may be asked for transcripts and metadata, and with which yt-dlp')
    .option('--json', 'one JSON object')
    .action(async ({ json }: { json?: boolean }) => {
      const data = ourData()
      const state = { breaker: readBreaker(data), ytDlp: await ytDlpNow(data) }
      console.log(json ? JSON.stringify(state) : `${breakerLines(state.breaker)}\n${ytDlpLine(state.ytDlp)}`)
    })
  command
    .command('resume')
    .description('ask YouTube again at once, although it refused; all helpers that share this data folder go on within a second')
    .option('--reason <text>', 'why; kept with the operation')
    .action(async ({ reason }: { reason?: string }) => {
      console.log(await recorded({ ...helpersResumeAct, reason }, () => resumeHelpers(ourData())))
    })
  command
    .command('update')
    .description('install the newest yt-dlp, for YouTube has changed; helpers use it from their next task on')
    .action(async () => {
      const before = await readyYtDlp(ourData())
      const { version } = await updateYtDlp({ data: ourData() })
      console.log(before?.version === version ? `yt-dlp ${version} is the newest` : `yt-dlp ${version} is installed`)
    })
  return command
}

const ourData = () => dataFolder(readSettings().VIDWIZ_DATA)

const ytDlpNow = (data: string): Promise<YtDlp | undefined> => {
  const { YTDLP_PATH: given } = readSettings()
  return given ? givenYtDlp(given) : readyYtDlp(data)
}

const ytDlpLine = (ytDlp: YtDlp | undefined) =>
  ytDlp
    ? `yt-dlp ${ytDlp.version} in ${ytDlp.path}`
    : `yt-dlp is not installed: a helper installs ${PINNED_VERSION} when it starts`

function breakerLines(breaker: Breaker): string {
  if (breaker.state === 'closed') return 'YouTube is asked: the breaker is closed'
  const { state, since, until, reason, times } = breaker
  const often = times > 1 ? ` for the ${times}. time in a row` : ''
  return [
    state === 'open'
      ? `YouTube is not asked: it refused${often}. The breaker is open until ${moment(until)}, then one task is tried`
      : `YouTube is asked for one task, to find out whether it still refuses${often}: the breaker is half-open`,
    `  since  ${moment(since)}`,
    `  why    ${reason}`,
    pasteable('  now    `npx vidwiz helpers resume` asks again at once; YTDLP_PROXY or YTDLP_COOKIES may help for good'),
  ].join('\n')
}

const moment = (ms: number) => new Date(ms).toISOString()
