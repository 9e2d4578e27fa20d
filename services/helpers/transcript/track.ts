import { z } from 'zod'

/** yt-dlp's captions: by language, one entry for each format of a track. */
const Tracks = z.record(z.string(), z.array(z.object({ ext: z.string().optional(), url: z.string().optional() })))

export const VideoInfo = z.object({
  language: z.string().nullish(),
  live_status: z.string().nullish(),
  subtitles: Tracks.nullish(),
  automatic_captions: Tracks.nullish(),
})
export type VideoInfo = z.output<typeof VideoInfo>

/** A track of captions to fetch. */
export interface Track {
  /** yt-dlp's key, for example `en-orig`. */
  key: string
  /** Language tag, for example `en`. */
  language: string
  isAutomatic: boolean
  /** Whether it was taken only because no preferred language has captions. */
  isOriginal: boolean
}

/** Preferred languages, in order; after them the spoken language. */
const PREFERRED = ['en', 'hi']
/** In order of preference: json3 tells what was said when, vtt needs more guessing. */
export const FORMATS = ['json3', 'vtt'] as const

/**
 * Chooses the captions to fetch. Manual ones come before automatic ones of the same language. YouTube's machine translations, which
 * yt-dlp lists among the automatic captions of every video, are never taken.
 */
export function chooseTrack(info: VideoInfo): Track | undefined {
  const byHand = usable(info.subtitles).map((key) => ({ key, language: languageOf(key), isAutomatic: false }))
  const automatic = usable(info.automatic_captions, isSpoken)
    .map((key) => ({ key, language: languageOf(key), isAutomatic: true }))
    .sort((a, b) => Number(isMarkedOriginal(b.key)) - Number(isMarkedOriginal(a.key)))
  const tracks = [...byHand, ...automatic]
  for (const language of PREFERRED) {
    const found = best(tracks, language)
    if (found) return { ...found, isOriginal: false }
  }
  const spoken = automatic[0]?.language ?? (info.language ? languageOf(info.language) : undefined)
  const original = (spoken === undefined ? undefined : best(tracks, spoken)) ?? tracks[0]
  return original && { ...original, isOriginal: true }
}

type Candidate = Omit<Track, 'isOriginal'>

/** The language without a region wins (`en` before `en-GB`). */
const best = (tracks: Candidate[], language: string): Candidate | undefined => {
  const same = tracks.filter((track) => primary(track.language) === primary(language))
  const byHand = same.filter(({ isAutomatic }) => !isAutomatic)
  const from = byHand.length > 0 ? byHand : same
  return from.find((track) => track.language === language) ?? from[0]
}

const primary = (language: string) => language.split('-')[0]!.toLowerCase()

type Entry = { ext?: string; url?: string }

function usable(tracks: VideoInfo['subtitles'], isWanted: (entries: Entry[]) => boolean = () => true): string[] {
  return Object.entries(tracks ?? {})
    .filter(([key, entries]) => key !== 'live_chat' && entries.some(isReadable) && isWanted(entries))
    .map(([key]) => key)
}

const isReadable = ({ ext }: Entry) => (FORMATS as readonly (string | undefined)[]).includes(ext)
/** The URL of a translation contains its target language. */
const isSpoken = (entries: Entry[]) => entries.every(({ url = '' }) => !/[?&]tlang=/.test(url))

const isMarkedOriginal = (key: string) => key.endsWith('-orig')
/** `en-orig` is English; `en-GB` stays, and so does the name of a second track (`en-eEY6OEpapPo`). */
const languageOf = (key: string) => key.replace(/-orig$/, '')
