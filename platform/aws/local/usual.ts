/** What lies in the S3 and SQS of a data folder, and under which setting other parts are told of it. */
export const BUCKET = 'vidwiz'

export const QUEUES = {
  SQS_AI_NOTE_QUEUE_URL: 'vidwiz-ai-notes',
  SQS_SUMMARY_QUEUE_URL: 'vidwiz-summaries',
  SQS_TRANSCRIPTION_QUEUE_URL: 'vidwiz-media',
} as const

/** One for all: a queue is known by its name there, whatever region a client asks in. */
export const REGION = 'ap-south-1'

/** As the server has it in all its addresses. */
export const ACCOUNT = '000000000000'

/** On 127.0.0.1. */
export const USUAL_PORT = 15_324
