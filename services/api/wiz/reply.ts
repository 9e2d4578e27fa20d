/** How a reply ended: kept and visible; without a word; or not to be had. */
export type Outcome = 'completed' | 'empty' | 'failed'

/**
 * A reply on its way. What has been said is held until it ends, so whoever makes it waits for nobody, and anybody may
 * listen from the beginning at a pace of their own. It is as large as a reply, and no larger.
 */
export class Reply {
  readonly #pieces: string[] = []
  #outcome: Outcome | undefined
  #news = Promise.withResolvers<void>()

  say(piece: string): void {
    this.#pieces.push(piece)
    this.#tell()
  }

  end(outcome: Outcome): void {
    this.#outcome = outcome
    this.#tell()
  }

  /** All pieces, those already said at once and the others as they come; returns how it ended. */
  async *heard(): AsyncGenerator<string, Outcome> {
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
