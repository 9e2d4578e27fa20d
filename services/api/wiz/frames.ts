import { pythonJson } from '#platform/http/python-json.ts'
import type { Out } from '#platform/http/stream.ts'
import type { ReplyEnd } from './reply.ts'

const frame = (data: object) => `data: ${pythonJson(data)}\n\n`
const DONE = 'data: [DONE]\n\n'

const ERRORS: Record<Exclude<ReplyEnd, 'completed'>, string> = {
  empty: 'No response from AI model. Please try again.',
  failed: 'Processing error',
}

/** Yields a reply piece by piece and returns how it ended, or stops when `left` aborts. */
interface Audible {
  heard(left: AbortSignal): AsyncGenerator<string, ReplyEnd>
}

/** Sends a reply to a client in the frames of chat, until the client leaves. A whole answer ends with `[DONE]`. */
export async function tell(out: Out, reply: Audible): Promise<void> {
  const pieces = reply.heard(out.left)
  while (!out.left.aborted) {
    const { done, value } = await pieces.next()
    if (!done) {
      await out.send(frame({ content: value }))
      continue
    }
    if (value !== 'completed') await out.send(frame({ error: ERRORS[value] }))
    return out.send(DONE)
  }
}
