import { setTimeout as delay } from 'node:timers/promises'
import { open, type RawAnswer } from '#test/platform/http/raw.ts'
import type { Attack } from './attacks.ts'

/** Who is let wait leaves after so long: that too must do no harm. */
const PATIENCE_MS = 1500

/** Sends what is to be sent, and hangs up on what would wait for more; undefined when there was no answer. */
export async function fired(port: number, { bytes, method, isBroken, waits }: Attack): Promise<RawAnswer | undefined> {
  const connection = await open(port)
  connection.write(bytes)
  if (isBroken) connection.socket.end()
  const answered = async () => {
    const answer = await connection.answer(method)
    // "Go on", it was told: the answer comes after that.
    return answer.status === 100 ? await connection.answer(method) : answer
  }
  const patience = new AbortController()
  const answer = answered().catch(() => undefined)
  try {
    if (!waits) return await answer
    return await Promise.race([answer, delay(PATIENCE_MS, undefined, patience).catch(() => undefined)])
  } finally {
    patience.abort()
    connection.socket.destroy()
  }
}

const PROBLEM = ['field', 'message', 'type']

/** What an answer must not be, in words. */
export function whatIsWrong(answer: RawAnswer | undefined, { bytes, method, isBroken, waits }: Attack): string | undefined {
  if (!answer) return isBroken || waits ? undefined : 'no answer'
  const { status, body } = answer
  const isOfCoding = status === 501 && /^transfer-encoding:/im.test(bytes.toString('latin1'))
  if (status >= 500 && !isOfCoding) return 'a failure'
  if (!answer.headers.has('x-request-id')) return 'not from us'
  if (method === 'HEAD' || [204, 304, 307].includes(status)) return body === '' ? undefined : 'a body'
  if (method === 'OPTIONS' && answer.header('content-type')?.startsWith('text/plain')) return undefined
  if (answer.header('content-type')?.startsWith('text/event-stream')) return status === 200 ? undefined : 'a stream of errors'
  // The figures for Prometheus.
  if (status === 200 && answer.header('content-type')?.startsWith('text/plain; version=')) return undefined
  const json = answer.json()
  if (status < 300) return undefined
  if ([400, 404, 405].includes(status) && Object.keys(json).join() === 'detail' && typeof json.detail === 'string')
    return undefined
  const { error } = json
  if (Object.keys(json).join() !== 'error' || Object.keys(error).join() !== 'code,message,details') return 'an unknown shape'
  if (typeof error.code !== 'string' || typeof error.message !== 'string') return 'an unknown shape'
  if (error.details === null || (status === 429 && Number.isInteger(error.details.reset_in_seconds))) return undefined
  const isList = Array.isArray(error.details) && error.details.length > 0 && status === 422
  return isList && error.details.every((problem: object) => Object.keys(problem).join() === PROBLEM.join())
    ? undefined
    : 'an unknown shape'
}
