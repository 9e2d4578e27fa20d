/**
 * Combines lookups into batches: keys asked for while a batch is loading are loaded together in the next one, each once. So many
 * callers cost few round trips, and an answer is never older than its question.
 *
 * @param load loads the values of keys, in order; its error rejects all lookups of the batch
 * @param name identity of a key, for keys that are objects
 * @param atMost maximum keys in one batch
 */
export function batched<K, V>(
  load: (keys: K[]) => Promise<readonly V[]>,
  { name = (key: K): unknown => key, atMost = 200 } = {},
): (key: K) => Promise<V> {
  let waiting = new Map<unknown, { key: K; answer: PromiseWithResolvers<V> }>()
  let isRunning = false

  async function run() {
    // Waits a tick, so that lookups of one turn of the event loop form one batch.
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
