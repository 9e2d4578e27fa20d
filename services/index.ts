import type { Service } from '#platform/service.ts'

/** All services. Each runs in a process of its own or together with others, and is imported only when it runs. */
export const services: Readonly<Record<string, () => Promise<{ default: Service }>>> = {
  api: () => import('./api/main.ts'),
  projector: () => import('./projector/main.ts'),
  relay: () => import('./relay/main.ts'),
  'fetch-scheduler': () => import('./fetch-scheduler/main.ts'),
  'ai-notes': () => import('./ai-notes/main.ts'),
  summaries: () => import('./summaries/main.ts'),
  'sqs-bridge': () => import('./sqs-bridge/main.ts'),
  'media-bridge': () => import('./media-bridge/main.ts'),
  'media-scheduler': () => import('./media-scheduler/main.ts'),
  'media-door': () => import('./media-door/main.ts'),
  'local-aws': () => import('./local-aws/main.ts'),
  'lambda-runner': () => import('./lambdas/runner/main.ts'),
  'transcript-helper': () => import('./helpers/transcript/main.ts'),
  'metadata-helper': () => import('./helpers/metadata/main.ts'),
  'gpu-worker': () => import('./gpu-worker/main.ts'),
  ops: () => import('./ops/main.ts'),
}

/** Input and task of each service, for docs/design.md. */
export const about: Readonly<Record<string, { reads: string; does: string }>> = {
  api: {
    reads: 'HTTP',
    does: 'Answers `/v2`: a write is executed and appended, a read is answered from views ([routes](routes.md)).',
  },
  projector: { reads: 'every topic', does: 'Keeps the views for `/v2` and for people up to date ([views](#views)).' },
  relay: {
    reads: 'the log',
    does: 'Publishes events on Kafka, in order ([decision](decisions/kafka.md)). Not needed without Kafka.',
  },
  'fetch-scheduler': {
    reads: '`vidwiz.notes`, `vidwiz.conversations`',
    does: 'Reactor: TaskScheduled for the transcript and the metadata of a video, once per video and need.',
  },
  'ai-notes': {
    reads: '`vidwiz.notes`, `vidwiz.videos`, `vidwiz.users`',
    does: 'Reactor: AiNoteRequested for an empty note of a user who has notes by AI turned on, as soon as the transcript is there ([decision](decisions/ai-requests.md)).',
  },
  summaries: {
    reads: '`vidwiz.videos`',
    does: 'Reactor: SummaryRequested when a transcript arrives and there is no summary.',
  },
  'sqs-bridge': {
    reads: '`vidwiz.ai`',
    does: 'Bridge: sends the messages of the worker contract to SQS, then JobDispatched ([decision](decisions/bridge.md)).',
  },
  'media-bridge': {
    reads: '`vidwiz.media`',
    does: 'Bridge: sends the message to media workers, then MediaProcessingDispatched. It is a consumer of its own, so that a failing queue does not delay the others.',
  },
  'media-scheduler': {
    reads: '`vidwiz.tasks`',
    does: 'Reactor: HearingAwaited when the transcript task ended for want of captions. It begins as many of these as the limit of the day allows, and asks again for jobs that stand still ([decision](decisions/media.md)).',
  },
  'media-door': {
    reads: '`vidwiz.media`, and what workers write in SQL',
    does: 'A database for media workers that do not use HTTP. What they write becomes events ([decision](decisions/door.md)).',
  },
  'local-aws': {
    reads: 'HTTP',
    does: 'S3 and SQS on this machine, kept in the data folder ([decision](decisions/local-aws.md)).',
  },
  'lambda-runner': {
    reads: 'SQS',
    does: 'Runs the Lambdas ai-note, ai-summary and tasks-dispatcher on this machine: they call the model and answer over `/v2/internal` ([decision](decisions/lambdas.md)).',
  },
  'transcript-helper': {
    reads: '`/v2/internal/tasks`',
    does: 'Fetches transcripts with yt-dlp and answers over `/v2/internal` ([decision](decisions/helpers.md)).',
  },
  'metadata-helper': { reads: '`/v2/internal/tasks`', does: 'Fetches metadata of videos in the same way.' },
  'gpu-worker': {
    reads: 'SQS',
    does: 'Media worker: sound → mp3 → transcript → flashcards and quiz → S3. Reports over `/v2/internal/media` ([decision](decisions/gpu-worker.md)).',
  },
  ops: {
    reads: 'checkpoints and views',
    does: 'The page for operators, and figures for Prometheus ([decision](decisions/ops.md), [page](decisions/page.md), [watching](decisions/watching.md)).',
  },
}
