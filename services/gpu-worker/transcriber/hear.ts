import { parseArgs } from 'node:util'
import { readSettings } from '#platform/config/settings.ts'
import { HearingError } from '../ports.ts'
import { transcriberOf } from './set-up.ts'

// Transcribes one file with this installation's settings, to test a machine: prints device and speed to stderr, the rows to stdout
// as JSON lines.
const { positionals } = parseArgs({ allowPositionals: true })
const [file] = positionals
if (!file || positionals.length > 1) {
  console.error('bin/node services/gpu-worker/transcriber/hear.ts FILE')
  process.exit(2)
}
const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new HearingError('died', 'stopped')))
const transcriber = transcriberOf(readSettings(), console.error, stop.signal)
try {
  const begins = performance.now()
  console.error(`transcribes on ${await transcriber.device()}, ready after ${secondsSince(begins)} s`)
  const began = performance.now()
  const { rows, language, model, seconds } = await transcriber.hear(file, { signal: stop.signal })
  for (const row of rows) console.log(JSON.stringify(row))
  console.error(`${rows.length} rows in ${language} by ${model}: ${seconds} s of sound heard in ${secondsSince(began)} s`)
} catch (error) {
  if (!(error instanceof HearingError)) throw error
  console.error(`${error.kind}: ${error.message}`)
  process.exitCode = 1
} finally {
  await transcriber.close()
}

function secondsSince(from: number): string {
  return ((performance.now() - from) / 1_000).toFixed(1)
}
