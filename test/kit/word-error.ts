const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []

/** How many words would have to be put in, taken out or changed to make what was said of what was heard, as a share of what was said. */
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
