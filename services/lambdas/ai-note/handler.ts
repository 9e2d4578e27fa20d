import { readAiNoteEnvironment } from '../kit/environment.ts'
import { openAiNote } from './ai-note.ts'

/** Called by AWS with a batch of the note queue. */
export const handler = await openAiNote(readAiNoteEnvironment(process.env))
