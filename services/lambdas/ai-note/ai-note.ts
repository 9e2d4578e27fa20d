import { type Answerer, openAnswerer } from '#platform/llm/answerer.ts'
import { type Api, openApi } from '../kit/api.ts'
import { ask } from '../kit/asking.ts'
import { batchHandler, type Work } from '../kit/batch.ts'
import type { AiNoteEnvironment } from '../kit/environment.ts'
import { noteRequestOf, titleIn } from '../kit/note-request.ts'
import { openBucket } from '../kit/s3.ts'
import { secondsOf } from '../kit/timestamp.ts'
import { type ReadTranscript, sharing, transcriptReader } from '../kit/transcripts.ts'
import { noteQuestion } from './prompt.ts'
import { windowAt } from './window.ts'

export interface AiNoteTools {
  api: Api
  model: Answerer
  read: ReadTranscript
}

/** Writes the text of a note from what is said in the video around its timestamp. */
export const aiNote =
  ({ api, model, read }: AiNoteTools, { attempts, lengths, window }: AiNoteEnvironment): Work =>
  async ({ message, signal, headers }) => {
    const asking = { signal, headers }
    const { noteId, videoId, timestamp, title } = noteRequestOf(message)
    const said = windowAt(await read(videoId, signal), secondsOf(timestamp), window)
    const moment = { window: said, timestamp, title: title ?? titleIn(await api.video(videoId, asking)) }
    const text = await ask(model, noteQuestion(moment, lengths), { lengths, attempts, signal })
    return (await api.writeNote(noteId, text, asking)) ? 'wrote the note' : 'the note is gone: nothing to write'
  }

/** The handler with its real dependencies. */
export async function openAiNote(environment: AiNoteEnvironment) {
  const api = openApi(environment.api)
  const model = await openAnswerer(environment.model)
  const objects = openBucket(environment.bucket, environment.aws)
  const read = transcriptReader({ objects, ...environment.transcript })
  return batchHandler(() => aiNote({ api, model, read: sharing(read) }, environment))
}
