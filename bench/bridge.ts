import { catchingUp } from './kit/bridge-catch-up.ts'
import { untilReceived } from './kit/bridge-hops.ts'
import { atLeast, type Benchmark } from './kit/figure.ts'
import { dataFolder, memory } from './kit/sqs-servers.ts'

/** About the time of a request to SQS within an AWS region. */
const FAR_MS = 15

/** Cost of sending the questions in the log to the workers' queues. */
export const bridge: Benchmark = {
  name: 'bridge',
  async run({ quick }) {
    const [rounds, questions] = quick ? [3, 2_000] : [7, 10_000]
    return [
      ...(await catchingUp('in the data folder', await dataFolder(), { rounds, questions, target: atLeast(0.8) })),
      ...(await catchingUp('in memory', await memory(), { rounds, questions })),
      ...(await catchingUp(`${FAR_MS} ms away`, await memory(FAR_MS), { rounds, questions, target: atLeast(0.8) })),
      ...(await untilReceived(await dataFolder(), quick ? 50 : 500)),
    ]
  },
}
