import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type DownloadOptions, downloadSound, tooLong } from './download.ts'
import { audioKey, heardKey } from './keys.ts'
import type { Heard, Sound, Transcriber } from './ports.ts'
import type { Progress } from './progress.ts'
import type { Stored } from './stored.ts'

const Copy = z.object({
  language: z.string(),
  model: z.string(),
  seconds: z.number(),
  rows: z.array(z.object({ text: z.string(), offset: z.number(), duration: z.number() })),
})

/** Sites round the length. */
const SPARE_SECONDS = 10

export interface HearingOptions extends Omit<DownloadOptions, 'onProgress'> {
  stored: Stored
  sound: Sound
  transcriber: Transcriber
  progress: Progress
  /** Called with the length of the transcribed audio, in seconds. */
  onHeard(seconds: number): void
}

/**
 * Transcribes a video: reads the worker's own copy, else transcribes the mp3 from the store, else downloads the audio first.
 * Intermediate results are stored, so that the next worker to take the job continues from there.
 */
export async function hearVideo(videoId: string, options: HearingOptions): Promise<Heard> {
  const { stored, transcriber, progress, signal } = options
  const copy = await stored.read(heardKey(videoId))
  const known = copy && Copy.safeParse(JSON.parse(String(copy.body)))
  if (known?.success) return known.data
  const { mp3, seconds } = await mp3Of(videoId, options)
  const heard = await progress.during('transcript', () =>
    transcriber.hear(mp3, { signal, onProgress: (heard, of) => progress.come(heard / (of || seconds)) }),
  )
  options.onHeard(heard.seconds)
  await stored.write(heardKey(videoId), JSON.stringify(heard))
  return heard
}

async function mp3Of(videoId: string, options: HearingOptions): Promise<{ mp3: string; seconds: number }> {
  const { stored, sound, progress, folder, signal, settings } = options
  const key = audioKey(videoId)
  const mp3 = join(folder, 'sound.mp3')
  const found = await stored.fetch(key, mp3)
  if (found) return { mp3, seconds: Number(found.metadata.seconds) || 0 }
  const { source, seconds } = await progress.during('download', () =>
    downloadSound(videoId, { ...options, onProgress: (done) => progress.come(done) }),
  )
  return progress.during('audio', async () => {
    const maxSeconds = settings.MAX_AUDIO_MINUTES * 60 + SPARE_SECONDS
    const onProgress = (done: number) => progress.come(done / (seconds ?? Number.NaN))
    const made = await sound.toMp3(source, mp3, { signal, maxSeconds, onProgress })
    rmSync(source)
    // Only possible if the site did not tell the length.
    if (made.isCut) throw tooLong(undefined, settings.MAX_AUDIO_MINUTES)
    await stored.keep(key, mp3, 'audio/mpeg', { seconds: String(made.seconds) })
    return { mp3, seconds: made.seconds }
  })
}
