import { z } from 'zod'
import { type Chapter, flag, httpUrl, minutes, text, wholeNumber } from './kinds.ts'

const videos = wholeNumber('a whole number of videos, 0 or more', 0, 1_000_000)

export const media = {
  title: 'Media workers',
  about:
    'A media worker makes a transcript of a video without captions, and flashcards and a quiz of any video ([how](tour.md#a-video-without-captions)).',
  settings: {
    MEDIA_FALLBACK: flag
      .default(false)
      .describe('1: videos for which no captions are found from now on are transcribed from their sound.'),
    MEDIA_FALLBACK_DAILY: videos.default(20).describe('Most videos that are transcribed so in a day (UTC).'),
    STUDY_USER_DAILY_QUOTA: videos.default(10).describe('Videos for which a user may ask flashcards and a quiz in a day (UTC).'),
    MEDIA_SILENCE_MINUTES: minutes
      .default(20)
      .describe('How long a job may report nothing. Then its message is sent again, three times in all.'),
    MAX_AUDIO_MINUTES: wholeNumber('a whole number of minutes, at least 1', 1, 7 * 24 * 60)
      .default(240)
      .describe('Longest video that is transcribed. The job of a longer one fails and says so.'),
    MEDIA_DISK_MB: wholeNumber('a whole number of megabytes, at least 1', 1, 100_000_000)
      .default(4096)
      .describe('Most disk space that a worker uses for a video.'),
    MEDIA_VISIBILITY_SECONDS: wholeNumber('a whole number of seconds from 2 to 3600', 2, 3_600)
      .default(120)
      .describe('Seconds after which the message of a killed worker is delivered again.'),
    WHISPER_MODEL: z
      .string()
      .default('large-v3')
      .describe(
        'Model of faster-whisper: also `medium`, `small` …, `owner/name` on Hugging Face, or a folder with a model. A name is downloaded into the data folder once.',
      ),
    WHISPER_DEVICE: z
      .enum(['auto', 'cpu', 'cuda'], { error: 'must be auto, cpu or cuda' })
      .default('auto')
      .describe('`cpu`, `cuda`, or `auto`: CUDA where it can be used.'),
    WHISPER_COMPUTE_TYPE: z
      .string()
      .regex(/^(int|float|bfloat)\w+$/, 'must be a type that CTranslate2 knows, such as int8, float16 or int8_float16')
      .optional()
      .meta({
        description: 'Number type of the model, as CTranslate2 names it: `float32`, `int8_float16` …',
        unset: 'int8 on a processor, float16 on CUDA',
      }),
    WHISPER_THREADS: wholeNumber('a whole number of threads from 1 to 256', 1, 256).optional().meta({
      description: 'Threads of the model on a processor.',
      unset: 'one for each core',
    }),
    FFMPEG_PATH: text.meta({ description: 'An ffmpeg of your own.', unset: 'installed with faster-whisper' }),
    STUDY_PROVIDER: z
      .enum(['anthropic', 'openai', 'gemini'], { error: 'must be anthropic, openai or gemini, or be unset' })
      .optional()
      .meta({
        description: 'Maker of flashcards and quizzes: `anthropic`, `openai` or `gemini` ([how](decisions/study.md)).',
        unset: 'the first that has a key: anthropic, `LLM_PROVIDER`, gemini, openai',
      }),
    STUDY_MODEL: text.meta({
      description: 'Its model.',
      unset: '`claude-haiku-5-5`, `OPENAI_MODEL` or `GEMINI_MODEL_NAME`',
    }),
    ANTHROPIC_API_KEY: text.meta({
      description: 'Key for Anthropic, for flashcards and quizzes.',
      unset: 'another provider makes them',
      secret: true,
    }),
    ANTHROPIC_BASE_URL: httpUrl.default('https://api.anthropic.com').describe('Address of Anthropic.'),
  },
} satisfies Chapter
