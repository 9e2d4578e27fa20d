import { OperatorError } from '#platform/operator-error.ts'
import { nameOf, type Refusal } from '#platform/sqs/queues.ts'

/** A queue, and the setting that names it. */
export interface Address {
  url: string
  setting: string
}

/** The error with which a bridge pauses, in a line for operators. @param refusal undefined when it was only stopped */
export function paused({ url, setting }: Address, messages: number, refusal: Refusal | undefined): Error {
  const where = `${nameOf(url)} (${setting})`
  if (!refusal) return new Error(`stopped before ${messages} messages were sent to the queue ${where}`)
  const { code, message, isSetup } = refusal
  const why = `the queue ${where} did not take ${messages} messages: ${message.includes(code) ? message : `${code}: ${message}`}`
  return isSetup
    ? new OperatorError(`${why}; ${remedy(code)}. Nothing is lost: it is tried again from time to time`)
    : new Error(why)
}

const remedy = (code: string) =>
  /DoesNotExist|NonExistent|InvalidAddress/.test(code)
    ? 'make the queue (AWS_CREATE=1 npx vidwiz setup) or set the right URL'
    : 'look at AWS_REGION, the AWS_… keys, the clock of this machine, and whether sqs:SendMessage is allowed'
