import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '#platform/config/settings.ts'
import { OperatorError } from '#platform/service.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { givenYtDlp, installedYtDlp, type YtDlp } from '#platform/ytdlp/install.ts'

/** Pause between two tries to get yt-dlp. */
const LOOK_AGAIN_MS = 60_000

/** The yt-dlp of a service. */
export interface YtDlpReady {
  /** Why it is missing; undefined when it is ready. */
  missing(): string | undefined
  /** Waits for a yt-dlp that runs, and installs it if necessary. Logs a problem once. Rejects when the service is stopped. */
  ready(): Promise<YtDlp>
}

export interface YtDlpReadyOptions {
  settings: Settings
  log: Logger
  signal: AbortSignal
  /** The consequence while it is missing, such as `no transcripts are fetched`. */
  without: string
}

export function ytDlpReady({ settings, log, signal, without }: YtDlpReadyOptions): YtDlpReady {
  const { VIDWIZ_DATA: data, YTDLP_PATH: path } = settings
  let missing: string | undefined = 'yt-dlp is not there yet'
  let known: YtDlp | undefined
  /** Runs the given program only once, to ask for its version. */
  const given = async (path: string) => {
    known ??= await givenYtDlp(path, signal)
    return known
  }
  return {
    missing: () => missing,
    async ready() {
      while (true) {
        try {
          const began = performance.now()
          let isNew = missing !== undefined
          const onInstall = (version: string) => {
            isNew = true
            log.info({ version }, 'installing yt-dlp')
          }
          const ytDlp = path ? await given(path) : await installedYtDlp({ data, signal, onInstall })
          missing = undefined
          if (isNew) log.info({ ...ytDlp, ms: Math.round(performance.now() - began) }, 'yt-dlp is there')
          return ytDlp
        } catch (error) {
          signal.throwIfAborted()
          if (!(error instanceof OperatorError)) throw error
          if (missing !== error.message) log.warn(`${without}: ${error.message}`)
          missing = error.message
          await sleep(LOOK_AGAIN_MS, undefined, { signal })
        }
      }
    },
  }
}
