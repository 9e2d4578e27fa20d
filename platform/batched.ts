/**
 * Makes one question out of many: what is asked while an earlier question is under way is asked together, once per key. So a
 * crowd costs a few round trips, and an answer is never older than its question.
 *
 * @param load answers keys, in their order; what it throws goes to everybody who asked in that round
 * @param atMost keys in one round
 */
export function batched<K, V>(
  load: (keys: K[]) => Promise<readonly V[]>,
  { name = (key: K): unknown => key, atMost = 200 } = {},
): (key: K) => Promise<V> {
  let waiting = new Map<unknown, { key: K; answer: PromiseWithResolvers<V> }>()
  let isRunning = false

  async function run() {
    // What is asked in one go of the event loop belongs together.
    await new Promise(setImmediate)
    while (waiting.size > 0) {
      const round = [...waiting.values()].slice(0, atMost)
      waiting = new Map([...waiting].slice(atMost))
      try {
        const answers = await load(round.map(({ key }) => key))
        for (const [i, { answer }] of round.entries()) answer.resolve(answers[i]!)
      } catch (error) {
        for (const { answer } of round) answer.reject(error)
      }
    }
    isRunning = false
  }

  return (key) => {
    const asked = waiting.get(name(key)) ?? { key, answer: Promise.withResolvers<V>() }
    waiting.set(name(key), asked)
    if (!isRunning) {
      isRunning = true
      void run()
    }
    return asked.answer.promise
  }
}
