/** Makes one question out of those that are asked at the same time: who asks while an answer is awaited gets that answer. */
export function joined<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | undefined
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }
}
