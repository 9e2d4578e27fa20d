import { pathToFileURL } from 'node:url'
import { format } from 'node:util'
import type { Context } from 'aws-lambda'
import type { Invoke, Told } from './protocol.ts'

// Replaces the AWS runtime: loads a function's handler, calls it for one event after another, and reports its answers and console
// output. `node bootstrap.ts <file of the handler>`, with an IPC channel to the runner.

type Handler = (event: unknown, context: Context) => unknown

let requestId: string | undefined

const tell = (told: Told) => void process.send!(told)
const told = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : format(error))

// The runner decides when to stop. A Ctrl-C in a terminal also reaches this process, in the middle of its work.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit(0))

// Sent over the channel, so that log lines arrive before the answer they belong to.
for (const level of ['debug', 'info', 'warn', 'error'] as const)
  console[level] = (...args) => tell({ type: 'said', level, text: format(...args), requestId })
console.log = console.info

const contextOf = ({ requestId, timeoutMs, functionName, memoryMb }: Invoke): Context => {
  const until = performance.now() + timeoutMs
  const unknown = () => {
    throw new Error('a handler answers by its promise')
  }
  return {
    awsRequestId: requestId,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${process.env.AWS_REGION}:000000000000:function:${functionName}`,
    memoryLimitInMB: String(memoryMb),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: String(process.pid),
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, until - performance.now()),
    done: unknown,
    fail: unknown,
    succeed: unknown,
  }
}

async function call(handler: Handler, invoke: Invoke) {
  requestId = invoke.requestId
  try {
    const answer = await handler(invoke.event, contextOf(invoke))
    // AWS sends the answer as JSON: drop what JSON cannot represent.
    tell({ type: 'answered', requestId, answer: JSON.parse(JSON.stringify(answer ?? null)) })
  } catch (error) {
    tell({ type: 'threw', requestId, message: told(error) })
  }
  requestId = undefined
}

try {
  const { handler } = (await import(pathToFileURL(process.argv[2]!).href)) as { handler: Handler }
  process.on('message', (invoke: Invoke) => void call(handler, invoke))
  tell({ type: 'ready' })
} catch (error) {
  process.exitCode = 1
  process.send!({ type: 'failed to start', message: (error as Error)?.message ?? format(error) } satisfies Told, () =>
    process.disconnect(),
  )
}
