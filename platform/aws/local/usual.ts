/** The bucket and the queues of the S3 and SQS of a data folder; the keys of QUEUES are the settings that name them. */
export const BUCKET = 'vidwiz'

export const QUEUES = {
  SQS_AI_NOTE_QUEUE_URL: 'vidwiz-ai-notes',
  SQS_SUMMARY_QUEUE_URL: 'vidwiz-summaries',
  SQS_TRANSCRIPTION_QUEUE_URL: 'vidwiz-media',
} as const

/** The only region: the local server finds queues by name, regardless of the client's region. */
export const REGION = 'ap-south-1'

/** The account id in all queue URLs of the local server. */
export const ACCOUNT = '000000000000'

/** The default port on 127.0.0.1. */
export const USUAL_PORT = 15_324
