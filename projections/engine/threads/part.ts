import type { MessagePort } from 'node:worker_threads'
import type { Reader } from '#platform/log/port.ts'
import type { Replay } from '../fold-history.ts'
import { linesOf } from '../lines.ts'
import type { Pacer } from '../pacer.ts'
import { replay } from '../replay.ts'
import type { View } from '../view.ts'
import { carry } from './carried-error.ts'
import type { Answer, Part, Told } from './messages.ts'

/** Chunks of lines of one view that may be on their way. */
const MOST_ON_THEIR_WAY = 4

/**
 * Folds one part of a replay, in a thread of its own, and sends the rows as lines for COPY. Its errors are sent too.
 * @param port to the thread that asked for it; closed at the end
 * @param views among which those of the part are
 */
export async function foldPart(
  port: MessagePort,
  part: Part,
  views: readonly View[],
  reader: Reader,
  pacer: Pacer,
): Promise<void> {
  const tell = (told: Told, moved: ArrayBuffer[] = []) => port.postMessage(told, moved)
  const flows = part.replays.map(() => ({ free: MOST_ON_THEIR_WAY, isStopped: false, wake: () => {} }))
  port.on('message', ({ what, nth }: Answer) => {
    const flow = flows[nth]!
    if (what === 'taken') flow.free++
    else flow.isStopped = true
    flow.wake()
  })

  const encoder = new TextEncoder()
  const replays = part.replays.map(({ view: name, ...one }, nth): Replay => {
    const view = views.find((known) => known.name === name)!
    const flow = flows[nth]!
    const goOn = () => {
      if (flow.isStopped) throw new Error('stopped')
    }
    return {
      ...one,
      view,
      onRead(events) {
        goOn()
        tell({ what: 'read', nth, events })
      },
      onLeftOut: (place) => tell({ what: 'left out', nth, place }),
      async take(portions) {
        for await (const chunk of linesOf(view, portions)) {
          while (flow.free === 0 && !flow.isStopped)
            await new Promise<void>((wake) => {
              flow.wake = wake
            })
          goOn()
          flow.free--
          const lines = encoder.encode(chunk)
          tell({ what: 'lines', nth, lines }, [lines.buffer])
        }
      },
    }
  })

  try {
    const ended = await replay(reader, replays, { ...part, pacer })
    tell({ what: 'ended', errors: ended.map((one) => one && carry(one.error)) })
  } catch (error) {
    tell({ what: 'failed', error: carry(error) })
  } finally {
    port.close()
  }
}
