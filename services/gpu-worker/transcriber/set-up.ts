import { join } from 'node:path'
import type { Settings } from '#platform/config/settings.ts'
import { installedListener, listenerFolder } from '#platform/whisper/install.ts'
import { openTranscriber } from './transcriber.ts'

type Hearing = Pick<Settings, 'VIDWIZ_DATA' | 'WHISPER_MODEL' | 'WHISPER_DEVICE' | 'WHISPER_COMPUTE_TYPE' | 'WHISPER_THREADS'>

/**
 * The transcriber for the settings. faster-whisper is installed and the model downloaded with the first job, if missing.
 * @param onNotice called with messages for people about slow preparations
 */
export function transcriberOf(settings: Hearing, onNotice: (text: string) => void, signal?: AbortSignal) {
  const { VIDWIZ_DATA: data, WHISPER_DEVICE: device } = settings
  return openTranscriber({
    listener: () =>
      installedListener({
        data,
        device,
        signal,
        onInstall: (version) => onNotice(`installing faster-whisper ${version}`),
        onProgress: (text) => onNotice(`fetching ${text}`),
      }),
    models: join(listenerFolder(data), 'models'),
    model: settings.WHISPER_MODEL,
    device,
    computeType: settings.WHISPER_COMPUTE_TYPE,
    threads: settings.WHISPER_THREADS,
    onNotice,
  })
}
