import { pathToFileURL } from 'node:url'
import { format } from 'node:util'
import type { Context } from 'aws-lambda'
import type { Invoke, Told } from './protocol.ts'

// What the runtime of AWS is there: loads the handler of a function, calls it for one event after another, tells what it answered
// and what it wrote to the console. `node bootstrap.ts <file of the handler>`, with a channel to the runner.

type Handler = (event: unknown, context: Context) => unknown

let requestId: string | undefined

const tell = (told: Told) => void process.send!(told)
const told = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : format(error))

// The runner says when it is over. A Ctrl-C in a terminal goes to this process as well, in the middle of its work.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit(0))

// Over the channel, so that it comes before the answer to what it is about.
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
    // As over the wire: what JSON cannot say is not said.
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
