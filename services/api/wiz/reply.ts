/** How a reply ended: stored and visible; without a word; or failed. */
export type ReplyEnd = 'completed' | 'empty' | 'failed'

/**
 * A reply in the making. It buffers everything said until it ends, so a slow listener does not hold up the model, and anybody may
 * listen from the beginning at their own pace. The buffer grows no larger than the reply.
 */
export class Reply {
  readonly #pieces: string[] = []
  #outcome: ReplyEnd | undefined
  #news = Promise.withResolvers<void>()

  say(piece: string): void {
    this.#pieces.push(piece)
    this.#tell()
  }

  end(outcome: ReplyEnd): void {
    this.#outcome = outcome
    this.#tell()
  }

  /** Yields all pieces, those already said at once and the others as they come; returns how the reply ended. */
  async *heard(): AsyncGenerator<string, ReplyEnd> {
    let next = 0
    while (true) {
      while (next < this.#pieces.length) yield this.#pieces[next++]!
      if (this.#outcome) return this.#outcome
      await this.#news.promise
    }
  }

  #tell() {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }
}
