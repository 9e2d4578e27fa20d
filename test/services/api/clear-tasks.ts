import { expect } from 'chai'
import { claimTask, scheduleTask, submitResult, type TaskKind, usualPolicy } from '#events/task.ts'
import type { Execute } from '#platform/log/commands/executor.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'

const OPEN = 'select task_id as "taskId", video_id as "videoId", kind from views.tasks where due_at is not null'
export const CONTEXT = { actor: null, correlationId: null }

export const schedule = (execute: Execute, kind: TaskKind, videoId: string) =>
  execute(scheduleTask({ kind, videoId, policy: usualPolicy }), CONTEXT)

/** Ends all tasks that are open, so that the next test begins with none. */
export async function clearTasks(db: Queryable, execute: Execute): Promise<void> {
  await eventually(async () => {
    const open = await db.query<{ taskId: number; videoId: string; kind: TaskKind }>('t.open', OPEN)
    for (const task of open) {
      await execute(claimTask({ ...task, policy: usualPolicy }), CONTEXT)
      const finding = task.kind === 'transcript' ? { transcript: null } : { metadata: null }
      // Refused when it waits to be tried again, or is over and the view does not show it yet.
      await execute(submitResult({ ...task, finding, policy: usualPolicy }), CONTEXT).catch(() => {})
    }
    expect(open).to.have.length(0)
  })
}
