import { unlessAborted } from '#platform/deadline.ts'
import { type Model, ModelError } from './model.ts'

export interface Patience {
  /** How long the model may be silent, before the first piece and between two pieces. */
  silenceMs: number
  /** How long a whole reply may take. */
  replyMs: number
}

/** A model whose reply fails when it takes too long, even if the provider's library ignores the signal. */
export const patient = (model: Model, { silenceMs, replyMs }: Patience): Model => ({
  ...model,
  async *reply(request, signal) {
    const enough = new AbortController()
    const ended = AbortSignal.any([signal, enough.signal])
    // A signal that is already aborted fires no event.
    ended.throwIfAborted()
    const giveUp = (why: string) => enough.abort(new ModelError(`${model.name} ${why}`))
    const whole = setTimeout(giveUp, replyMs, `took more than ${replyMs / 1000} s`)
    let silence: NodeJS.Timeout | undefined
    try {
      const words = model.reply(request, ended)[Symbol.asyncIterator]()
      while (true) {
        silence = setTimeout(giveUp, silenceMs, `was silent for ${silenceMs / 1000} s`)
        const { done, value } = await unlessAborted(ended, words.next())
        clearTimeout(silence)
        if (done) return
        yield value
      }
    } finally {
      clearTimeout(silence)
      clearTimeout(whole)
      // Also ends the call when the caller stops reading.
      enough.abort()
    }
  },
})
