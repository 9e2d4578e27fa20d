import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Heard, HearingError, type Study, StudyError, type Transcriber, type Tutor } from '#services/gpu-worker/ports.ts'

/** What hears and teaches, as far away as a test wants it: counts what it is asked, and may be told what to answer. */
export interface Scripted {
  url: string
  /** What was heard and studied, in order. */
  asked: ('hear' | 'study')[]
  /** Instead of the usual answer, if any; may take its time. */
  answer: ((what: 'hear' | 'study') => unknown) | undefined
  close(): Promise<void>
}

export const ROWS = [
  { text: 'hello there', offset: 0.5, duration: 1 },
  { text: 'this is what is said', offset: 1.5, duration: 1.25 },
]
const heard: Heard = { language: 'en', model: 'scripted', seconds: 3, rows: ROWS }

export const study: Study = {
  language: 'en',
  model: 'scripted',
  flashcards: Array.from({ length: 5 }, (_, i) => ({ front: `front ${i}`, back: `back ${i}` })),
  quiz: Array.from({ length: 5 }, (_, i) => ({
    question: `question ${i}`,
    options: ['a', 'b', 'c', 'd'],
    correct_answer: i % 4,
  })),
}

/** Answered so, it is an error of the port. */
export const failing = (kind: string, message: string) => ({ error: { kind, message } })

export async function startScripted(): Promise<Scripted> {
  const server = createServer(async (req, res) => {
    const what = req.url === '/hear' ? 'hear' : 'study'
    await text(req)
    scripted.asked.push(what)
    const usual = what === 'hear' ? heard : study
    res.end(JSON.stringify((await scripted.answer?.(what)) || usual))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const scripted: Scripted = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    answer: undefined,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return scripted
}

interface Failure {
  error?: { kind: never; message: string }
}

async function ask<T>(url: string, body: string, signal: AbortSignal): Promise<T & Failure> {
  try {
    return (await (await fetch(url, { method: 'POST', body, signal })).json()) as T & Failure
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

/** The ports that lead there. */
export const scriptedPorts = (url: string): { transcriber: Transcriber; tutor: Tutor } => ({
  transcriber: {
    device: async () => 'a script of a test',
    async hear(file, { signal, onProgress }) {
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
      onProgress?.(1, 3)
      const { error, ...heard } = await ask<Heard>(`${url}/hear`, sha256, signal)
      if (error) throw new HearingError(error.kind, error.message)
      return heard
    },
    async close() {},
  },
  tutor: {
    async study(transcript, { signal }) {
      const { error, ...study } = await ask<Study>(`${url}/study`, JSON.stringify(transcript), signal)
      if (error) throw new StudyError(error.kind, error.message)
      return study
    },
  },
})
