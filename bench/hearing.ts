import { readFileSync } from 'node:fs'
import { openTranscriber } from '../services/gpu-worker/transcriber/transcriber.ts'
import { randomWhisper } from '../test/kit/random-whisper.ts'
import { say } from '../test/kit/speech.ts'
import { baseWhisper, listenerForTests, tinyWhisper, whisperData } from '../test/kit/whisper.ts'
import { bareWhisper } from './kit/bare-whisper.ts'
import { atLeast, type Benchmark, type Figure } from './kit/figure.ts'
import { inTurn, median, timed } from './kit/measure.ts'

const THREADS = 2
const TEXT = `The history of the bicycle begins in the early nineteenth century. A German baron built a running machine with two wheels
and no pedals. People pushed it along with their feet. Forty years later, inventors in France added pedals to the front wheel. The ride
was so rough that people called it the bone shaker. Rubber tyres filled with air made it comfortable at last.`

/**
 * Speed and memory of transcription on a CPU, through VidWiz's port and with bare faster-whisper. Linux only: reads memory from
 * /proc.
 */
export const hearing: Benchmark = {
  name: 'hearing',
  async run({ quick }) {
    const [rounds, times] = quick ? [1, 1] : [5, 4]
    const speech = await say(TEXT, { format: 'mp3', times })
    return [
      ...(await heardBy('tiny.en', await tinyWhisper(), speech, rounds)),
      ...(await heardBy('base', await baseWhisper(), speech, rounds)),
      ...(await beginning(await tinyWhisper(), quick ? 1 : 7)),
      ...(quick ? [] : await longSound()),
    ]
  },
}

const never = new AbortController().signal

const opened = (model: string) =>
  openTranscriber({ listener: listenerForTests, models: whisperData, model, device: 'cpu', threads: THREADS })

async function heardBy(name: string, model: string, speech: string, rounds: number): Promise<Figure[]> {
  const transcriber = opened(model)
  const bare = await bareWhisper((await listenerForTests()).path, model, THREADS)
  try {
    let seconds = 0
    const { ours, theirs } = await inTurn<{ ours: number; theirs: number }>(rounds, {
      ours: () =>
        timed(async () => {
          seconds = (await transcriber.hear(speech, { signal: never })).seconds
        }),
      theirs: () => timed(() => bare.hear(speech)),
    })
    const perSecond = (tookMs: readonly number[]) => (1_000 * seconds) / median(tookMs)
    return [
      {
        name: `${name}, int8, ${THREADS} threads`,
        value: perSecond(ours),
        unit: 's of sound/s',
        beside: { what: 'faster-whisper bare', value: perSecond(theirs) },
        target: atLeast(0.95),
      },
      memory(`${name}, peak memory of the process that hears`, transcriber.pid!, bare.pid),
    ]
  } finally {
    await transcriber.close()
    await bare.close()
  }
}

/** From the spawn of the process until it is ready, with its files in the disk cache. */
async function beginning(model: string, rounds: number): Promise<Figure[]> {
  const { start } = await inTurn<{ start: number }>(rounds, {
    async start() {
      const transcriber = opened(model)
      try {
        return await timed(() => transcriber.device())
      } finally {
        await transcriber.close()
      }
    },
  })
  return [{ name: 'tiny.en, from the spawn until it can hear', value: median(start), unit: 'ms' }]
}

/**
 * Bare faster-whisper holds the whole audio in memory. That memory does not depend on the weights, so a fast model with random
 * weights suffices.
 */
async function longSound(): Promise<Figure[]> {
  const listener = await listenerForTests()
  const model = await randomWhisper(listener)
  const speech = await say(TEXT, { format: 'mp3', times: 100 })
  const transcriber = opened(model)
  const bare = await bareWhisper(listener.path, model, THREADS)
  try {
    const { seconds } = await transcriber.hear(speech, { signal: never })
    await bare.hear(speech)
    return [
      memory(`peak memory with ${Math.round(seconds / 60)} minutes of sound, besides the model`, transcriber.pid!, bare.pid),
    ]
  } finally {
    await transcriber.close()
    await bare.close()
  }
}

const memory = (name: string, ours: number, theirs: number): Figure => ({
  name,
  value: peakMegabytes(ours),
  unit: 'MB',
  beside: { what: 'faster-whisper bare', value: peakMegabytes(theirs) },
})

const peakMegabytes = (pid: number) => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_000
