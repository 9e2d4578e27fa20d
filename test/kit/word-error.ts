const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []

/** Word error rate: words to insert, delete or replace to turn `heard` into `said`, as a share of the words of `said`. */
export function wordError(said: string, heard: string): number {
  const [a, b] = [wordsOf(said), wordsOf(heard)]
  let row = b.map((_, i) => i + 1)
  row.unshift(0)
  for (const [i, word] of a.entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (word === b[j] ? 0 : 1)))
    row = next
  }
  return row.at(-1)! / a.length
}
