import { z } from 'zod'
import { type Chapter, flag, httpUrl, port, text } from './kinds.ts'

/** A queue URL as SQS returns it: it ends in the account and the name. */
const queueUrl = httpUrl.refine(
  (url) => /^\/(.*\/)?\w+\/[\w-]{1,80}$/.test(URL.parse(url)?.pathname ?? ''),
  'must be the URL of a standard queue, such as https://sqs.ap-south-1.amazonaws.com/123456789012/name',
)

const queue = (of: string, without: string) =>
  queueUrl.optional().meta({
    description: `URL of the queue of ${of}.`,
    unset: `a queue in the data folder if no queue is named, else ${without}`,
  })

export const aws = {
  title: 'S3 and SQS',
  about:
    'While no bucket is named here, `make start` serves S3 from the data folder; while no queue is named, SQS as well ([how](decisions/local-aws.md)). `npx vidwiz queues env` prints what other programs need to reach both.',
  settings: {
    S3_BUCKET_NAME: text.meta({ description: 'Bucket for transcripts and sound.', unset: 'the data folder' }),
    S3_ENDPOINT: httpUrl.optional().meta({ description: 'Address of S3. Needs `S3_BUCKET_NAME`.', unset: '`AWS_ENDPOINT_URL`' }),
    SQS_AI_NOTE_QUEUE_URL: queue('the Lambda ai-note', '`sqs-bridge` does not start'),
    SQS_SUMMARY_QUEUE_URL: queue('the Lambda ai-summary', '`sqs-bridge` does not start'),
    SQS_TRANSCRIPTION_QUEUE_URL: queue('media workers', 'their jobs wait'),
    SQS_QUEUE_URL: queueUrl.optional().meta({
      description: 'URL of the queue that a media worker reads, if that is another one.',
      unset: '`SQS_TRANSCRIPTION_QUEUE_URL`',
    }),
    SQS_DISPATCH_QUEUE_URL: queueUrl.optional().meta({
      description: 'URL of the queue of S3’s notifications, which feeds the Lambda tasks-dispatcher.',
      unset: 'tasks-dispatcher does not run here; the reactors ask for the same',
    }),
    SQS_ENDPOINT: httpUrl
      .optional()
      .meta({ description: 'Address of SQS. Needs the URL of a queue.', unset: '`AWS_ENDPOINT_URL`' }),
    AWS_ENDPOINT_URL: httpUrl.optional().meta({
      description: 'Address of S3 and of SQS, unless they have their own.',
      unset: 'AWS',
    }),
    AWS_REGION: z.string().default('ap-south-1').describe('Region of S3 and SQS. It must be that of the queues.'),
    AWS_ACCESS_KEY_ID: text.meta({
      description: 'Key for S3 and SQS. Goes together with `AWS_SECRET_ACCESS_KEY`.',
      unset: 'the AWS SDK looks for one',
    }),
    AWS_SECRET_ACCESS_KEY: text.meta({
      description: 'Secret of that key.',
      unset: 'the AWS SDK looks for one',
      secret: true,
    }),
    AWS_SESSION_TOKEN: text.meta({ description: 'Session token of a temporary key.', unset: 'none', secret: true }),
    AWS_CREATE: flag
      .default(false)
      .describe(
        '1: `npx vidwiz setup` makes the bucket and the queues that are named here, each queue with one for dead messages, and brings them up to date.',
      ),
    AWS_LOCAL_PORT: port.optional().meta({
      description: 'Port of the S3 and SQS of the data folder, on 127.0.0.1. 0: any free port.',
      unset: '15324 if it is free',
    }),
  },
} satisfies Chapter
