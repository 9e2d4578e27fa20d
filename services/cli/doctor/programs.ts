import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from '#platform/config/settings.ts'
import { javaProgram } from '#platform/kafka/local/java.ts'
import { runProgram } from '#platform/program.ts'
import { pythonEnvironment } from '#platform/python/environment.ts'
import { findPython, OLDEST_PYTHON } from '#platform/python/find.ts'
import { readBreaker } from '#platform/ytdlp/breaker.ts'
import { givenYtDlp, PINNED_VERSION, readyYtDlp } from '#platform/ytdlp/install.ts'
import { type Check, type Finding, ok, unlessLeftOut } from './check.ts'

const PATIENCE_MS = 8_000
const NO_TRANSCRIPTS =
  'no transcripts and no metadata are fetched, so there is no chat, no note by AI and no summary; notes still work'
const NO_LAMBDAS = 'no Lambda is bundled, so no note by AI and no summary is written on this machine'
const NO_KAFKA = 'no Kafka runs on this machine'

/** The programs that the settings require on this machine. */
export const programChecks = (settings: Settings): Check[] => [
  { name: 'Node', isNeeded: true, cost: 'nothing runs', look: () => ok(`${process.versions.node}, ${process.execPath}`) },
  ...unlessLeftOut(
    settings.VIDWIZ_WITHOUT,
    ['transcript-helper', 'metadata-helper'],
    [
      ...(settings.YTDLP_PATH ? [] : [{ name: 'Python', isNeeded: false, cost: NO_TRANSCRIPTS, look: python }]),
      { name: 'yt-dlp', isNeeded: false, cost: NO_TRANSCRIPTS, look: (signal) => ytDlp(settings, signal) },
      { name: 'YouTube', isNeeded: false, cost: NO_TRANSCRIPTS, look: () => youtube(settings) },
    ],
  ),
  ...unlessLeftOut(
    settings.VIDWIZ_WITHOUT,
    ['lambda-runner'],
    [{ name: 'Lambdas', isNeeded: false, cost: NO_LAMBDAS, look: () => lambdas(settings) }],
  ),
  ...(settings.KAFKA_LOCAL && !settings.KAFKA_BROKERS
    ? [
        { name: 'Java', isNeeded: true, cost: NO_KAFKA, look: java },
        { name: 'Maven', isNeeded: true, cost: NO_KAFKA, look: maven },
      ]
    : []),
]

async function python(): Promise<Finding> {
  const { found, tooOld } = await findPython()
  if (found) return ok(`${found.version}, ${found.path}`)
  return {
    state: 'missing',
    detail: tooOld.length > 0 ? `only ${tooOld.join(', ')}: too old` : 'none',
    cost: NO_TRANSCRIPTS,
    remedy: `install Python ${OLDEST_PYTHON} or later with python3-venv, or uv`,
  }
}

async function ytDlp({ YTDLP_PATH: given, VIDWIZ_DATA }: Settings, signal: AbortSignal): Promise<Finding> {
  const program = given ? await givenYtDlp(given, signal) : await readyYtDlp(VIDWIZ_DATA)
  if (!program) return ok(`not yet: ${PINNED_VERSION} is installed when a helper starts`)
  const flags = ['--ignore-config', '-v', '--js-runtimes', `node:${process.execPath}`]
  const { stderr } = await runProgram(program.path, flags, { env: pythonEnvironment(), timeoutMs: PATIENCE_MS, signal })
  const runtime = /JS runtimes: (.*)/.exec(stderr)?.[1] ?? 'none'
  const solver = /yt_dlp_ejs-[\d.]+/.exec(stderr)?.[0]
  const detail = `${program.version}, JS runtime ${runtime}, ${solver ?? 'no yt-dlp-ejs'}, ${program.path}`
  if (solver && runtime !== 'none') return ok(detail)
  const remedy = given
    ? 'install it as yt-dlp[default,curl-cffi], or unset YTDLP_PATH'
    : 'remove its folder: a helper installs it again when it starts'
  return { state: 'warning', detail, cost: 'YouTube answers for some videos only', remedy }
}

function youtube({ VIDWIZ_DATA }: Settings): Finding {
  const breaker = readBreaker(VIDWIZ_DATA)
  if (breaker.state === 'closed') return ok('has not refused us')
  return {
    state: 'warning',
    detail: `refused us: ${breaker.reason}`,
    cost:
      breaker.state === 'open'
        ? `nothing is fetched until ${new Date(breaker.until).toISOString()}`
        : 'nothing is fetched until one helper has tried with one video',
    remedy: '`npx vidwiz helpers resume` asks again at once; YTDLP_PROXY or YTDLP_COOKIES may help for good',
  }
}

/** Runs esbuild: only that shows whether its binary is there and fits this machine. */
async function lambdas({ VIDWIZ_DATA }: Settings): Promise<Finding> {
  try {
    const { stop, transform, version } = await import('esbuild')
    await transform('')
    await stop()
    const bundled = (await readdir(join(VIDWIZ_DATA, 'lambdas')).catch(() => [])).filter((file) => file.endsWith('.zip'))
    const names = bundled.map((file) => file.slice(0, -'.zip'.length)).sort()
    return ok(`esbuild ${version}; bundled: ${names.join(', ') || 'none yet'}`)
  } catch (error) {
    return { state: 'failed', detail: (error as Error).message.split('\n')[0]!, cost: NO_LAMBDAS, remedy: 'npm ci' }
  }
}

function java(): Finding {
  try {
    return ok(javaProgram())
  } catch (error) {
    return {
      state: 'missing',
      detail: (error as Error).message,
      cost: NO_KAFKA,
      remedy: 'install Java 17 or later',
    }
  }
}

async function maven(): Promise<Finding> {
  const found = await versionOf('mvn', ['--version'], /Apache Maven (\S+)/)
  if (found) return ok(found)
  return { state: 'missing', detail: 'none', cost: NO_KAFKA, remedy: 'install Maven' }
}

async function versionOf(program: string, args: string[], pattern: RegExp): Promise<string | undefined> {
  const { code, stdout } = await runProgram(program, args, { env: process.env, timeoutMs: PATIENCE_MS })
  return code === 0 ? pattern.exec(stdout)?.[1] : undefined
}
