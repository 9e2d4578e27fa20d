import type { Flashcard, Question } from '#events/study.ts'

/** A row of a transcript, as the worker contract has it. Times in seconds. */
export interface Row {
  text: string
  offset: number
  duration: number
}

/** What was heard. */
export interface Heard {
  /** Tag of the language that was spoken, such as `en`. */
  language: string
  /** What heard it, as `large-v3`. */
  model: string
  /** How long the sound lasts. */
  seconds: number
  /** In order of time, within that length. Empty when nothing is said. */
  rows: Row[]
}

/** Makes mp3s of 192 kbit/s. */
export interface Sound {
  /**
   * @param to does not exist yet
   * @param options `maxSeconds`: what is beyond is left out; `onProgress` is told how many seconds are done
   * @returns how long the sound is, and whether something was left out
   * @throws SoundError; what `signal` was aborted with
   */
  toMp3(
    from: string,
    to: string,
    options: { signal: AbortSignal; maxSeconds?: number; onProgress?(seconds: number): void },
  ): Promise<{ seconds: number; isCut: boolean }>
}

export interface HearOptions {
  signal: AbortSignal
  /** Told now and then how much has been heard. */
  onProgress?(heardSeconds: number, ofSeconds: number): void
}

/**
 * Why sound could not be heard. `bad-audio`: there is no sound in the file, or it cannot be read; `set-up`: model or device are not
 * as they must be, and a person has to mend it; `died`: the listener died or ran out of memory, and another try may go better.
 */
export class HearingError extends Error {
  override name = 'HearingError'
  readonly kind: 'bad-audio' | 'set-up' | 'died'
  constructor(kind: HearingError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** Hears what is said in a file of sound, one file at a time. */
export interface Transcriber {
  /** What it runs on, in words for people, as `cpu, int8`. */
  device(): Promise<string>
  /** @throws HearingError; what `signal` was aborted with */
  hear(file: string, options: HearOptions): Promise<Heard>
  close(): Promise<void>
}

/** Flashcards and a quiz, checked. */
export interface Study {
  language: string
  flashcards: Flashcard[]
  quiz: Question[]
  /** What made it. */
  model: string
}

export interface StudyOptions {
  /** Of the flashcards and the quiz; that of the transcript if not given. */
  language?: string | undefined
  /** Of the video. */
  title?: string | undefined
  signal: AbortSignal
  /** Told now and then how much is done, from 0 to 1. */
  onProgress?(done: number): void
}

/**
 * Why there is no study. `no-model`: none is configured; `nothing-said`: the transcript is too short for one; `refused`: the model
 * does not give what was asked for, however often it is asked; `away`: the model cannot be reached, and another try may go better;
 * `set-up`: the model refuses our key or does not exist, and a person has to mend it.
 */
export class StudyError extends Error {
  override name = 'StudyError'
  readonly kind: 'no-model' | 'nothing-said' | 'refused' | 'away' | 'set-up'
  constructor(kind: StudyError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** Makes flashcards and a quiz out of a transcript. */
export interface Tutor {
  /** @throws StudyError; what `signal` was aborted with */
  study(transcript: { rows: readonly Pick<Row, 'text'>[]; language?: string | undefined }, options: StudyOptions): Promise<Study>
}
