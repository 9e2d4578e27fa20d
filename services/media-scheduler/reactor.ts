import { awaitHearing } from '#events/media.ts'
import { TaskAttemptFailed, TaskCompleted } from '#events/task.ts'
import { on, type Reactor, reactor } from '#platform/log/reactor/reactor.ts'
import { lacksCaptions } from '#platform/youtube/hopeless.ts'

export const NAME = 'media-scheduler'

export interface FallbackOptions {
  /** Whether videos without captions are heard. What passes by meanwhile is not made up for. */
  isOn: boolean
  /** What ended before this moment is left alone, in milliseconds since the epoch. */
  from?: number | undefined
}

/** Has a video heard when a worker that looked for its captions has ended, and there are none. */
export function mediaScheduler({ isOn, from = 0 }: FallbackOptions): Reactor {
  const heard = (isMeant: boolean, { time, data: { kind, videoId } }: Ended) =>
    isOn && isMeant && kind === 'transcript' && time >= from ? [awaitHearing({ videoId })] : []
  return reactor(NAME, [
    on(TaskAttemptFailed, (event) => heard(event.data.permanent === true && lacksCaptions(event.data.error), event)),
    // A worker that says that it is done, and brings nothing: then the video has rest.
    on(TaskCompleted, (event) => heard(event.data.restUntil !== undefined, event)),
  ])
}

interface Ended {
  time: number
  data: { kind: string; videoId: string }
}
