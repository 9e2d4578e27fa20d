import { type ModelServer, startModelServer } from '#test/kit/model-server.ts'
import { open, type RawAnswer, type RawConnection, written } from '#test/platform/http/raw.ts'

export const DONE = 'data: [DONE]\n\n'
export const frame = (json: string) => `data: ${json}\n\n`
export const content = (text: string) => frame(`{"content": ${JSON.stringify(text)}}`)
export const FAILED = frame('{"error": "Processing error"}')
export const EMPTY = frame('{"error": "No response from AI model. Please try again."}')

/** A reply as its client hears it. */
export interface Heard {
  head: RawAnswer
  connection: RawConnection
  /** The next frame: what came in one chunk. Undefined at the end. */
  next(): Promise<string | undefined>
  /** All frames that are left. */
  rest(): Promise<string[]>
}

/** Sends a message and listens, on a connection of its own. Of an answer that is no stream only `head` is of use. */
export async function send(url: string, conversation: number, message: unknown, headers: Record<string, string>): Promise<Heard> {
  const connection = await open(Number(new URL(url).port))
  const all = { Connection: 'close', 'Content-Type': 'application/json', ...headers }
  connection.write(written('POST', `/v2/conversations/${conversation}/messages`, all, JSON.stringify({ message })))
  const head = await connection.answer()
  const next = async (): Promise<string | undefined> => {
    const chunk = await connection.chunk()
    return chunk === ': ping\n\n' ? next() : chunk === '' ? undefined : chunk
  }
  return {
    head,
    connection,
    next,
    async rest() {
      const frames: string[] = []
      for (let frame = await next(); frame !== undefined; frame = await next()) frames.push(frame)
      connection.socket.destroy()
      return frames
    },
  }
}

/** A model for all tests of the block that calls this. */
export function talkingModel(): ModelServer {
  const self = {} as ModelServer
  before('start a model', async () => {
    Object.assign(self, await startModelServer())
  })
  after('stop the model', () => self.stop())
  return self
}
