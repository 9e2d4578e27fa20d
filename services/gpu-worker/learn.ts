import { z } from 'zod'
import { language } from '#events/media.ts'
import { Flashcards, Quiz } from '#events/study.ts'
import type { Job, StoredTranscript } from './job-api.ts'
import { flashcardsKey, quizKey, studyKey } from './keys.ts'
import { type Study, StudyError, type Tutor } from './ports.ts'
import type { Progress } from './progress.ts'
import type { Stored } from './stored.ts'

const Rows = z.array(z.looseObject({ text: z.string() }))
const Copy = z.object({ language, flashcards: Flashcards, quiz: Quiz, model: z.string() })

export interface LearningOptions {
  stored: Stored
  tutor: Tutor
  progress: Progress
  signal: AbortSignal
}

/** Flashcards and a quiz, or why there are none. */
export type Learnt = { study: Study; missing?: undefined } | { study?: undefined; missing: string }

/** Rows of the transcript in use; undefined when the stored object does not match the API's hash. */
export async function readRows(stored: Stored, { s3_key, sha256 }: StoredTranscript): Promise<{ text: string }[] | undefined> {
  const body = await stored.readAs(s3_key, sha256)
  const rows = body && Rows.safeParse(JSON.parse(String(body)))
  return rows?.success ? rows.data : undefined
}

/**
 * Makes flashcards and a quiz from a transcript, and stores them under the contract's keys. Reuses the worker's copy if it was made
 * from the same transcript for the same language.
 */
export async function learn(
  { video_id, title, language: asked }: Job,
  rows: readonly { text: string }[],
  { sha256: of, language: spoken }: StoredTranscript,
  { stored, tutor, progress, signal }: LearningOptions,
): Promise<Learnt> {
  const made = { of, asked: asked ?? '' }
  try {
    const study =
      (await copyOf(stored, video_id, made)) ??
      (await progress.during('study', async () => {
        // Treat `und` (undetermined) as unknown.
        const transcript = { rows, language: spoken && spoken !== 'und' ? spoken : undefined }
        const onProgress = (done: number) => progress.come(done)
        const told = { language: asked ?? undefined, title: title ?? undefined, signal, onProgress }
        const study = await tutor.study(transcript, told)
        await stored.write(studyKey(video_id), JSON.stringify(study), made)
        return study
      }))
    await stored.write(flashcardsKey(video_id, study.language), JSON.stringify(study.flashcards))
    await stored.write(quizKey(video_id, study.language), JSON.stringify(study.quiz))
    return { study }
  } catch (error) {
    if (error instanceof StudyError && (error.kind === 'no-model' || error.kind === 'nothing-said'))
      return { missing: error.message }
    throw error
  }
}

async function copyOf(stored: Stored, videoId: string, { of, asked }: { of: string; asked: string }): Promise<Study | undefined> {
  const found = await stored.read(studyKey(videoId))
  if (!found || found.metadata.of !== of || (found.metadata.asked ?? '') !== asked) return undefined
  const study = Copy.safeParse(JSON.parse(String(found.body)))
  return study.success ? study.data : undefined
}
