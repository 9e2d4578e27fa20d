import { join } from 'node:path'
import { z } from 'zod'
import { type Chapter, names, port, wholeNumber } from './kinds.ts'

/** The data folder beside the code, so that every command finds it from any working directory. */
export const BESIDE_THE_CODE = join(import.meta.dirname, '..', '..', '..', '.vidwiz')

export const machine = {
  title: 'This machine',
  settings: {
    HOST: z.string().default('127.0.0.1').describe('Address on which the API and the page for operators listen.'),
    PORT: port.default(5000).describe('Port of the API.'),
    VIDWIZ_DATA: z.string().default(BESIDE_THE_CODE).meta({
      description: 'Data folder: secrets, logs, the embedded database, local S3 and SQS, yt-dlp, models that were downloaded.',
      unset: '`.vidwiz` beside the code',
    }),
    VIDWIZ_WITHOUT: names.describe(
      'Services that `make start` leaves out because something else runs them, as `transcript-helper,metadata-helper,lambda-runner` ([how](tour.md#workers-of-your-own)).',
    ),
    VIDWIZ_WITH: names.describe(
      'Services that `make start` runs beside the usual ones: `gpu-worker` ([how](tour.md#a-video-without-captions)).',
    ),
    REPLAY_THREADS: wholeNumber('a whole number from 0 to 64', 0, 64).optional().meta({
      description:
        'Threads in which a replay (rebuild, verify, as-of) folds a long history; below 2 it folds in one ([why](decisions/rebuild.md)).',
      unset: 'two less than there are cores, at most 4',
    }),
    ENVIRONMENT: z
      .enum(['local', 'staging', 'production'], { error: 'must be local, staging or production' })
      .default('local')
      .describe('`local`, `staging` or `production`. In production `/docs` and `/openapi.json` are not served.'),
    LOG_LEVEL: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
        error: 'must be one of fatal, error, warn, info, debug, trace, silent',
      })
      .default('info')
      .describe('`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`.'),
  },
} satisfies Chapter
