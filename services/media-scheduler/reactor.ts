import { awaitHearing } from '#events/media.ts'
import { TaskAttemptFailed, TaskCompleted } from '#events/task.ts'
import { on, type Reactor, reactor } from '#platform/log/reactor/reactor.ts'
import { lacksCaptions } from '#platform/youtube/hopeless.ts'

export const NAME = 'media-scheduler'

export interface FallbackOptions {
  /** Whether videos without captions are transcribed. Videos that fail while this is off are not transcribed later. */
  isOn: boolean
  /** Tasks that ended before this moment are ignored, in milliseconds since the epoch. */
  from?: number | undefined
}

/** Has a video transcribed after a task for its captions ended without any. */
export function mediaScheduler({ isOn, from = 0 }: FallbackOptions): Reactor {
  const heard = (isMeant: boolean, { time, data: { kind, videoId } }: Ended) =>
    isOn && isMeant && kind === 'transcript' && time >= from ? [awaitHearing({ videoId })] : []
  return reactor(NAME, [
    on(TaskAttemptFailed, (event) => heard(event.data.permanent === true && lacksCaptions(event.data.error), event)),
    // The worker completed the task without a result; only then is `restUntil` set.
    on(TaskCompleted, (event) => heard(event.data.restUntil !== undefined, event)),
  ])
}

interface Ended {
  time: number
  data: { kind: string; videoId: string }
}
