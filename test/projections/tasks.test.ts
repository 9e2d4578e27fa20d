import { tasksView } from '#projections/tasks.ts'
import { taskAttemptFailed, taskClaimed, taskCompleted, taskReleased, taskScheduled, VIDEO } from '#test/kit/histories.ts'
import { BEGINNING } from '#test/kit/world.ts'
import { having, moment } from './showing.ts'

describe('the tasks view', () => {
  const scheduled = taskScheduled({ dueAt: 5 })
  const claimed = taskClaimed({ leaseEndsAt: 9 })

  it('shows a task that waits', () => {
    const shown = having(scheduled).view(tasksView)
    shown.isWhole()
    shown.shows({ task_id: 1, video_id: VIDEO, kind: 'transcript', status: 'pending', attempts: 0, due_at: 5, error: null })
  })

  it('shows its place in the order of asking, which stays, and the event that comes next is caused by', () =>
    having(taskScheduled({ taskId: 7 }), claimed, taskClaimed({ taskId: 7 }))
      .view(tasksView)
      .shows({ task_id: 7, scheduled_pos: 1, event_id: '00000000-0000-7000-8000-000000000003', correlation_id: null }))

  it('shows one in hand until its lease ends', () =>
    having(scheduled, claimed)
      .view(tasksView)
      .shows({ status: 'claimed', attempts: 1, due_at: 9, created_at: moment(1), updated_at: moment(2) }))

  it('shows one that was handed back as if nobody had had it', () =>
    having(scheduled, claimed, taskReleased())
      .view(tasksView)
      .shows({ status: 'pending', attempts: 0, due_at: BEGINNING + 3_000 }))

  it('shows why it failed, and when it is tried again', () =>
    having(scheduled, claimed, taskAttemptFailed({ retryAt: 12 }))
      .view(tasksView)
      .shows({ status: 'pending', attempts: 1, due_at: 12, error: 'no captions' }))

  it('has nothing more to come of one that is over', () => {
    having(scheduled, claimed, taskAttemptFailed({ restUntil: 12 }))
      .view(tasksView)
      .shows({ status: 'failed', due_at: null, error: 'no captions' })
    having(scheduled, claimed, taskCompleted()).view(tasksView).shows({ status: 'completed', due_at: null })
  })
})
