import type { Flashcard, Question } from '#events/study.ts'

/** A row of a transcript, as defined by the worker contract. Times in seconds. */
export interface Row {
  text: string
  offset: number
  duration: number
}

/** Result of a transcription. */
export interface Heard {
  /** Language tag of the speech, such as `en`. */
  language: string
  /** The Whisper model, such as `large-v3`. */
  model: string
  /** Length of the audio. */
  seconds: number
  /** In order of time, within that length. Empty when nothing is said. */
  rows: Row[]
}

/** Makes mp3s of 192 kbit/s. */
export interface Sound {
  /**
   * @param to must not exist yet
   * @param options `maxSeconds`: the rest is cut off; `onProgress` gets the number of seconds done
   * @returns the length of the audio, and whether something was cut off
   * @throws SoundError; the reason of `signal` when aborted
   */
  toMp3(
    from: string,
    to: string,
    options: { signal: AbortSignal; maxSeconds?: number; onProgress?(seconds: number): void },
  ): Promise<{ seconds: number; isCut: boolean }>
}

export interface HearOptions {
  signal: AbortSignal
  /** Called now and then with the progress. */
  onProgress?(heardSeconds: number, ofSeconds: number): void
}

/**
 * Why audio could not be transcribed. `bad-audio`: the file has no audio or is unreadable; `set-up`: model or device are
 * misconfigured, and a person has to fix it; `died`: the child process died or ran out of memory, and another try may succeed.
 */
export class HearingError extends Error {
  override name = 'HearingError'
  readonly kind: 'bad-audio' | 'set-up' | 'died'
  constructor(kind: HearingError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** Transcribes audio files, one at a time. */
export interface Transcriber {
  /** Device in words for people, such as `cpu, int8`. */
  device(): Promise<string>
  /**
   * @throws HearingError; the reason of `signal` when aborted
   */
  hear(file: string, options: HearOptions): Promise<Heard>
  close(): Promise<void>
}

/** Checked flashcards and a checked quiz. */
export interface Study {
  language: string
  flashcards: Flashcard[]
  quiz: Question[]
  /** Model that made it. */
  model: string
}

export interface StudyOptions {
  /** Language of the flashcards and the quiz; default: the transcript's. */
  language?: string | undefined
  /** Of the video. */
  title?: string | undefined
  signal: AbortSignal
  /** Called now and then with the share done, from 0 to 1. */
  onProgress?(done: number): void
}

/**
 * Why there is no study. `no-model`: none is configured; `nothing-said`: the transcript is too short; `refused`: the model does not
 * give usable answers, however often it is asked; `away`: the model is unreachable, and another try may succeed; `set-up`: the
 * model refuses the key or does not exist, and a person has to fix it.
 */
export class StudyError extends Error {
  override name = 'StudyError'
  readonly kind: 'no-model' | 'nothing-said' | 'refused' | 'away' | 'set-up'
  constructor(kind: StudyError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** Makes flashcards and a quiz from a transcript. */
export interface Tutor {
  /**
   * @throws StudyError; the reason of `signal` when aborted
   */
  study(transcript: { rows: readonly Pick<Row, 'text'>[]; language?: string | undefined }, options: StudyOptions): Promise<Study>
}
