import { ConversationStarted } from '#events/conversation.ts'
import { NoteCreated } from '#events/note.ts'
import { scheduleTask, TASK_KINDS, type TaskPolicy } from '#events/task.ts'
import { on, type Reactor, reactor } from '#platform/log/reactor/reactor.ts'

/** When a user shows interest in a video, schedules tasks for what is not yet known about it. */
export function fetchScheduler(policy: TaskPolicy): Reactor {
  const findOut = ({ data: { videoId } }: { data: { videoId: string } }) =>
    TASK_KINDS.map((kind) => scheduleTask({ kind, videoId, policy }))
  return reactor('fetch-scheduler', [on(NoteCreated, findOut), on(ConversationStarted, findOut)])
}
