import { expect } from 'chai'
import type { NewEvent } from '#events/kit/envelope.ts'
import {
  claimTask,
  findTask,
  releaseTask,
  scheduleTask,
  submitResult,
  type TaskPolicy,
  tasksFor,
  usualPolicy,
} from '#events/task.ts'
import { given } from '#test/kit/given.ts'
import {
  metadataStored,
  taskAttemptFailed,
  taskClaimed,
  taskCompleted,
  taskReleased,
  taskScheduled,
  transcriptStored,
  VIDEO,
  videoAdded,
} from '#test/kit/histories.ts'
import { BEGINNING, world } from '#test/kit/world.ts'

const policy: TaskPolicy = { maxAttempts: 3, leaseMs: 10_000, backoffMs: 500, restMs: 60_000, deadRestMs: 600_000 }
const task = { taskId: 1, kind: 'transcript', videoId: VIDEO } as const
const schedule = scheduleTask({ kind: 'transcript', videoId: VIDEO, policy })
const claim = claimTask({ ...task, policy })
const submit = (finding: Parameters<typeof submitResult>[0]['finding']) => submitResult({ ...task, finding, policy })
const { s3Key, rows, sizeBytes, sha256 } = transcriptStored().data
const transcript = { s3Key, rows, sizeBytes, sha256 }

/** When the n-th thing of a history happens, counted from 0: a second after the one before. */
const at = (n: number, ms = 0) => BEGINNING + n * 1_000 + ms
const NEVER = at(1_000_000)
/** An attempt that somebody is at. */
const inHand = (attempt = 1) => taskClaimed({ attempt, leaseEndsAt: NEVER })
const failed = (attempt: number, next: { retryAt?: number; restUntil?: number }) => taskAttemptFailed({ attempt, ...next })

describe('scheduling a task', () => {
  it('is done when the video lacks what it finds', () => {
    given(videoAdded())
      .when(schedule, { task: 7 })
      .then(taskScheduled({ taskId: 7, dueAt: at(1) }))
    given(videoAdded(), transcriptStored({ rows: 0 }))
      .when(schedule)
      .then(taskScheduled({ dueAt: at(2) }))
    given(videoAdded(), metadataStored({ metadata: '{}' }))
      .when(scheduleTask({ kind: 'metadata', videoId: VIDEO, policy }))
      .then(taskScheduled({ kind: 'metadata', dueAt: at(2) }))
  })

  it('is not done when the video has it', () => {
    given(videoAdded(), transcriptStored()).when(schedule).thenNothing()
    given(videoAdded(), metadataStored())
      .when(scheduleTask({ kind: 'metadata', videoId: VIDEO, policy }))
      .thenNothing()
  })

  for (const [how, ...open] of [
    ['waits', taskScheduled({ dueAt: at(0) })],
    ['is in hand', taskScheduled(), inHand()],
    ['will be tried again', taskScheduled(), inHand(), failed(1, { retryAt: NEVER })],
    ['was handed back', taskScheduled(), inHand(), taskReleased()],
    ['was given up by one worker', taskScheduled(), taskClaimed({ attempt: 2, leaseEndsAt: at(0) })],
  ] as [string, ...NewEvent[]][])
    it(`is not done while one ${how}`, () =>
      given(videoAdded(), ...open)
        .when(schedule)
        .thenNothing())

  it('is done again after the last failure, but waits for the rest of the video', () => {
    given(videoAdded(), taskScheduled(), inHand(3), failed(3, { restUntil: at(60) }))
      .when(schedule, { task: 2 })
      .then(taskScheduled({ taskId: 2, dueAt: at(60) }))
    given(videoAdded(), taskScheduled(), inHand(3), failed(3, { restUntil: at(3) }))
      .when(schedule, { task: 2 })
      .then(taskScheduled({ taskId: 2, dueAt: at(4) }))
  })

  it('is done again after one that found nothing, with the same rest', () =>
    given(videoAdded(), taskScheduled(), inHand(), taskCompleted({ restUntil: at(60) }))
      .when(schedule, { task: 2 })
      .then(taskScheduled({ taskId: 2, dueAt: at(60) })))

  it('ends a task first that was given up in its last attempt', () =>
    given(videoAdded(), taskScheduled(), taskClaimed({ attempt: 3, leaseEndsAt: at(2) }))
      .when(schedule, { task: 2 })
      .then(
        taskAttemptFailed({ attempt: 3, error: 'the worker did not answer in time', restUntil: at(63) }),
        taskScheduled({ taskId: 2, dueAt: at(63) }),
      ))
})

describe('claiming a task', () => {
  it('gives it to one worker for a while', () => {
    given(taskScheduled({ dueAt: at(1) }))
      .when(claim)
      .then(taskClaimed({ attempt: 1, leaseEndsAt: at(11) }))
      .answering({ attempt: 1 })
    given(taskScheduled(), inHand()).when(claim).thenNothing().answering(null)
  })

  it('waits until it is due', () => {
    given(taskScheduled({ dueAt: at(1, 1) }))
      .when(claim)
      .thenNothing()
      .answering(null)
    given(taskScheduled(), inHand(), failed(1, { retryAt: at(3, 1) }))
      .when(claim)
      .thenNothing()
    given(taskScheduled(), inHand(), failed(1, { retryAt: at(3) }))
      .when(claim)
      .then(taskClaimed({ attempt: 2, leaseEndsAt: at(13) }))
      .answering({ attempt: 2 })
  })

  it('gives it to the next when the lease has ended, and counts that as an attempt', () =>
    given(taskScheduled(), taskClaimed({ leaseEndsAt: at(2) }))
      .when(claim)
      .then(
        taskAttemptFailed({ error: 'the worker did not answer in time', retryAt: at(2) }),
        taskClaimed({ attempt: 2, leaseEndsAt: at(12) }),
      )
      .answering({ attempt: 2 }))

  it('ends it when the lease of the last attempt has ended', () =>
    given(taskScheduled(), taskClaimed({ attempt: 3, leaseEndsAt: at(2) }))
      .when(claim)
      .then(taskAttemptFailed({ attempt: 3, error: 'the worker did not answer in time', restUntil: at(62) }))
      .answering(null))

  it('gives nobody what is over, another one, or was never there', () => {
    given(taskScheduled(), inHand(), taskCompleted()).when(claim).thenNothing().answering(null)
    given(taskScheduled(), inHand(3), failed(3, { restUntil: at(0) }))
      .when(claim)
      .thenNothing()
    given(taskScheduled({ taskId: 2 }))
      .when(claim)
      .thenNothing()
      .answering(null)
    given().when(claim).thenNothing().answering(null)
  })
})

describe('handing a task back', () => {
  const release = (attempt = 1) => releaseTask({ ...task, attempt })

  it('lets it be claimed at once, and was no attempt', () => {
    given(taskScheduled(), inHand()).when(release()).then(taskReleased())
    given(taskScheduled(), inHand(), taskReleased())
      .when(claim)
      .then(taskClaimed({ attempt: 1, leaseEndsAt: at(13) }))
    given(taskScheduled(), inHand(), failed(1, { retryAt: at(0) }), inHand(2), taskReleased({ attempt: 2 }))
      .when(claim)
      .then(taskClaimed({ attempt: 2, leaseEndsAt: at(15) }))
  })

  it('is too late when something else has become of it', () => {
    given(taskScheduled()).when(release()).thenNothing()
    given(taskScheduled(), inHand(2)).when(release(1)).thenNothing()
    given(taskScheduled(), inHand(), taskCompleted()).when(release()).thenNothing()
    given().when(release()).thenNothing()
  })
})

describe('the result of a task', () => {
  it('completes it together with what was found', () => {
    given(videoAdded(), taskScheduled(), inHand())
      .when(submit({ transcript }))
      .then(taskCompleted(), transcriptStored())
      .answering({ status: 'completed' })
    given(videoAdded(), taskScheduled({ kind: 'metadata' }), taskClaimed({ kind: 'metadata', leaseEndsAt: NEVER }))
      .when(submitResult({ ...task, kind: 'metadata', finding: { metadata: '{"duration":212}' }, policy }))
      .then(taskCompleted({ kind: 'metadata' }), metadataStored())
  })

  it('that is nothing completes it, and the video has rest', () =>
    given(videoAdded(), taskScheduled(), inHand())
      .when(submit({ transcript: null }))
      .then(taskCompleted({ restUntil: at(63) }))
      .answering({ status: 'completed' }))

  it('that is a failure has it tried again after a while that grows, three times in all', () => {
    const before: NewEvent[] = [videoAdded(), taskScheduled()]
    given(...before, inHand(1))
      .when(submit({ error: 'no captions' }))
      .then(failed(1, { retryAt: at(3, 500) }))
      .answering({ status: 'pending' })
    given(...before, inHand(2))
      .when(submit({ error: 'no captions' }))
      .then(failed(2, { retryAt: at(3, 1_000) }))
      .answering({ status: 'pending' })
    given(...before, inHand(3))
      .when(submit({ error: 'no captions' }))
      .then(failed(3, { restUntil: at(63) }))
      .answering({ status: 'failed' })
  })

  it('that says that no attempt would help ends it at once, and the video has a long rest', () => {
    const dead = taskAttemptFailed({ error: 'Private video', restUntil: at(603), permanent: true })
    given(videoAdded(), taskScheduled(), inHand(1))
      .when(submit({ error: 'Private video', permanent: true }))
      .then(dead)
      .answering({ status: 'failed' })
    // What somebody wants to know meanwhile waits until then, and is tried once.
    given(videoAdded(), taskScheduled(), inHand(1), dead)
      .when(schedule)
      .then(taskScheduled({ dueAt: at(603) }))
  })

  it('counts also when it comes late, as long as nobody else has the task', () =>
    given(videoAdded(), taskScheduled(), taskClaimed({ leaseEndsAt: at(0) }))
      .when(submit({ transcript }))
      .then(taskCompleted(), transcriptStored()))

  it('is refused when the task is not in hand', () => {
    for (const history of [
      [],
      [taskScheduled()],
      [taskScheduled({ taskId: 2 }), taskClaimed({ taskId: 2 })],
      [taskScheduled(), inHand(), taskReleased()],
      [taskScheduled(), inHand(), failed(1, { retryAt: at(0) })],
      [taskScheduled(), inHand(), taskCompleted()],
    ])
      given(videoAdded(), ...history)
        .when(submit({ transcript }))
        .thenRejected('BAD_REQUEST', 'Task is not in progress')
  })

  it('can be asked for while the task is in hand', () => {
    given(taskScheduled()).when(findTask(task)).thenNothing().answering({ isInProgress: false })
    given(taskScheduled(), inHand()).when(findTask(task)).thenNothing().answering({ isInProgress: true })
  })
})

describe('a video that cannot be helped', () => {
  /** Somebody takes a note on it every minute for a day; workers try whatever there is to try, in vain. */
  it('has rest for longer and longer', () => {
    const here = world()
    here.append([videoAdded()])
    let attempts = 0
    const passTime = (until: number) => {
      while (here.now() < until) here.append([videoAdded({ videoId: 'aaaaaaaaaaa' })])
    }
    for (let minute = 0; minute < 240; minute++) {
      passTime(BEGINNING + minute * 60_000)
      here.execute(scheduleTask({ kind: 'transcript', videoId: VIDEO, policy: usualPolicy }))
      const state = here.state(tasksFor('transcript', VIDEO))!
      const claimed = here.execute(claimTask({ ...task, taskId: state.taskId, policy: usualPolicy }))
      if (claimed.rejection || !claimed.result) continue
      attempts++
      here.execute(submitResult({ ...task, taskId: state.taskId, finding: { error: 'gone' }, policy: usualPolicy }))
    }
    // One, five, 25 seconds, … : seven tasks in four hours, not eighty.
    expect(attempts).to.be.within(15, 21)
  })

  it('has no rest any more once something was found', () => {
    const here = world()
    here.append([videoAdded()])
    for (let n = 0; n < 2; n++) {
      here.execute(schedule)
      const { taskId } = here.state(tasksFor('transcript', VIDEO))!
      while (here.state(tasksFor('transcript', VIDEO))!.status === 'pending')
        if (!(here.execute(claimTask({ ...task, taskId, policy })) as { result: unknown }).result)
          here.append([videoAdded({ videoId: 'aaaaaaaaaaa' })])
      here.execute(submitResult({ ...task, taskId, finding: { transcript: n === 0 ? null : transcript }, policy }))
      expect(here.state(tasksFor('transcript', VIDEO))).to.include({ status: 'completed', fruitless: n === 0 ? 1 : 0 })
    }
  })
})
