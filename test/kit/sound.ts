import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { listenerForTests, madeOnce } from './whisper.ts'

/** A file made by ffmpeg, made once and kept. @param args without the output file @returns its path */
export async function made(name: string, args: readonly string[]): Promise<string> {
  const folder = await madeOnce(`made-${name}`, async (unfinished) => {
    const { ffmpeg } = await listenerForTests()
    await promisify(execFile)(ffmpeg, ['-nostdin', '-v', 'error', ...args, join(unfinished, name)])
  })
  return join(folder, name)
}

/** Digital silence. */
export const silence = (seconds: number): Promise<string> =>
  made(`silence-${seconds}.mp3`, ['-f', 'lavfi', '-i', 'anullsrc=r=16000:cl=mono', '-t', String(seconds)])

/** A film without sound. */
export const silentFilm = (): Promise<string> => made('silent-film.mp4', ['-f', 'lavfi', '-i', 'testsrc=duration=1'])

/** A file's speech twice, the second time after `seconds`. */
export const againAfter = (file: string, seconds: number): Promise<string> => {
  const both = `[0]asplit[a][b];[b]adelay=${seconds * 1000}:all=1[c];[a][c]amix=duration=longest:normalize=0`
  return made(`again-after-${seconds}.mp3`, ['-i', file, '-filter_complex', both])
}
