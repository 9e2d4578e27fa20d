import type { Settings } from '#platform/config/settings.ts'
import { installedListener } from '#platform/whisper/install.ts'
import type { Sound } from '../ports.ts'
import { toMp3 } from './mp3.ts'

/** Uses FFMPEG_PATH, or the ffmpeg installed with faster-whisper. */
export function openSound({
  FFMPEG_PATH,
  VIDWIZ_DATA: data,
  WHISPER_DEVICE: device,
}: Pick<Settings, 'FFMPEG_PATH' | 'VIDWIZ_DATA' | 'WHISPER_DEVICE'>): Sound {
  const path = async () => FFMPEG_PATH ?? (await installedListener({ data, device })).ffmpeg
  return { toMp3: async (from, to, options) => toMp3(from, to, { ffmpeg: await path(), ...options }) }
}
