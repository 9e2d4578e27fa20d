import { type Answerer, ModelError } from './model.ts'

/** A model whose answers fail when they take too long. */
export const timely = ({ name, answer }: Answerer, timeoutMs: number): Answerer => ({
  name,
  async answer(question, signal) {
    const late = AbortSignal.timeout(timeoutMs)
    try {
      return await answer(question, AbortSignal.any([signal, late]))
    } catch (error) {
      signal.throwIfAborted()
      throw late.aborted ? new ModelError(`${name} did not answer within ${timeoutMs / 1000} s`) : error
    }
  },
})
