import { z } from 'zod'
import { type Finding, findTask, submitResult, type TaskKind, tasksFor } from '#events/task.ts'
import { boolean, integer } from '#platform/http/fields.ts'
import { memberOf } from '#platform/http/json-member.ts'
import { Answer, noContent } from '#platform/http/route.ts'

import { newestOf } from '#platform/log/postgres/newest.ts'

import { isHopeless } from '#platform/youtube/hopeless.ts'

import { taskById } from '#projections/tasks.ts'
import { aboutTranscript } from '../../kit/transcripts.ts'
import { admin } from '../auth/guards.ts'
import { badRequest, notFound } from '../errors.ts'
import { MetadataObject, metadataText } from '../metadata.ts'
import { reasonOf } from '../reason.ts'
import { BODY_LIMIT_BYTES, FINDINGS_LIMIT_PARTS, route } from '../route.ts'
import type { ClaimedTask } from '../task-desk.ts'
import { keepTranscript, TranscriptRows } from '../transcripts.ts'

const KINDS: Record<string, TaskKind> = { transcript: 'transcript', metadata: 'metadata' }

const DEFAULT_TIMEOUT_S = 30
const MAX_TIMEOUT_S = 60

const Poll = z.object({
  type: z.string().meta({ enum: Object.keys(KINDS) }),
  timeout: integer({ min: 1 }).default(DEFAULT_TIMEOUT_S),
})

const TaskRead = z.object({
  task_id: z.int(),
  task_type: z.enum(['fetch_transcript', 'fetch_metadata']),
  task_details: z.object({ video_id: z.string() }),
  retry_count: z.int(),
  message: z.string(),
})

const taskRead = ({ taskId, kind, videoId, attempt }: ClaimedTask): z.input<typeof TaskRead> => ({
  task_id: taskId,
  task_type: `fetch_${kind}`,
  task_details: { video_id: videoId },
  retry_count: attempt,
  message: 'Task retrieved successfully',
})

const Result = z.object({
  video_id: z.string(),
  success: boolean(),
  transcript: TranscriptRows.nullish(),
  metadata: MetadataObject.nullish(),
  error_message: z.string().nullish(),
  permanent: boolean().nullish().meta({
    description:
      'No attempt would help: the video is private, removed or has no captions. Left out, what error_message says counts',
  }),
})

interface Submitted {
  status: 'completed' | 'pending' | 'failed'
}

/** For workers: they claim tasks and submit results. */
export const taskRoutes = [
  route(
    'GET',
    '/v2/internal/tasks',
    {
      summary: 'Wait for a task and claim it',
      auth: admin,
      query: Poll,
      answers: { 200: TaskRead, 204: noContent },
      precheck: ({ type }) => {
        if (!Object.hasOwn(KINDS, type)) throw badRequest('Invalid task type')
      },
    },
    async ({ request, query, app: { taskDesk } }) => {
      const { gone, id } = request
      const timeoutMs = Math.min(query.timeout, MAX_TIMEOUT_S) * 1_000
      const task = await taskDesk.claim(KINDS[query.type]!, { timeoutMs, gone, correlationId: id })
      if (!task) return new Answer(204)
      // W3C Trace Context: the worker's spans join the trace of the task.
      if (task.traceparent) request.answerWith('traceresponse', task.traceparent)
      return new Answer(200, taskRead(task), { undelivered: () => taskDesk.handBack(task, id) })
    },
  ),

  route(
    'POST',
    '/v2/internal/tasks/:task_id/result',
    {
      summary: 'Say how a task went',
      auth: admin,
      params: z.object({ task_id: integer() }),
      body: Result,
      bodyLimitBytes: BODY_LIMIT_BYTES.findings,
      bodyLimitParts: FINDINGS_LIMIT_PARTS,
      answers: { 200: z.object({ message: z.string(), task_id: z.int(), status: z.enum(['completed', 'pending', 'failed']) }) },
      refuses: { 404: 'There is no such task', 503: 'The transcript could not be stored: say it again' },
    },
    async ({ request, params: { task_id }, body, app, db, ask, execute, executeAlone, earlier }) => {
      const visible = { visibleIn: ['tasks', 'videos'] } as const
      const answer = ({ status }: Submitted) => ({ message: 'Task result submitted successfully', task_id, status })
      const done = await earlier<Submitted>(visible)
      if (done) return answer(done)

      const task = await taskById(db, task_id)
      if (!task) throw notFound('Task not found')
      if (task.video_id !== body.video_id) throw badRequest('Task video_id mismatch')
      const of = { taskId: task.task_id, kind: task.kind as TaskKind, videoId: task.video_id }
      const mustBeInProgress = async () => {
        if (!(await ask(findTask(of))).isInProgress) throw badRequest('Task is not in progress')
      }
      await mustBeInProgress()
      const { transcript, metadata } = { transcript: body.transcript ?? [], metadata: body.metadata ?? {} }
      const hasMetadata = Object.keys(metadata).length > 0
      if (of.kind === 'transcript' && hasMetadata) throw badRequest('Metadata payload is not valid for transcript tasks')
      if (of.kind === 'metadata' && transcript.length > 0) throw badRequest('Transcript payload is not valid for metadata tasks')

      const found = async (): Promise<Finding> =>
        of.kind === 'metadata' ? { metadata: hasMetadata ? await metadataText(request) : null } : { transcript: null }
      const failure = () => {
        const { error_message, permanent } = body
        const isLast = permanent ?? isHopeless(error_message ?? '')
        return { error: reasonOf(error_message), ...(isLast && { permanent: true as const }) }
      }
      const submit = (finding: Finding) => submitResult({ ...of, finding, policy: app.taskPolicy })
      // A finding leads back to the request for it through the claim. Read from the log: the view may not show the claim yet.
      const claim = await newestOf(db, tasksFor(of.kind, of.videoId).stream)
      const causationId = request.causationId ?? claim?.id ?? task.event_id
      const cause = { correlationId: task.correlation_id ?? request.id, causationId }
      const options = { ...visible, cause }
      if (!body.success || transcript.length === 0)
        return answer(await execute(submit(body.success ? await found() : failure()), options))
      const kept = async () => {
        // Checked first, so that nothing is stored for a result that would be refused.
        await mustBeInProgress()
        const json = (await memberOf(request.bytes!, 'transcript'))!
        return submit({ transcript: await keepTranscript(app, ask, of.videoId, { rows: transcript, json }) })
      }
      return answer(await executeAlone(aboutTranscript(of.videoId), kept, options))
    },
  ),
]
