import { expect } from 'chai'
import { batched } from '#platform/batched.ts'

describe('batched questions', () => {
  /** Answers each key with its double, when told to. */
  function doubling(options?: { atMost?: number }) {
    const rounds: { keys: number[]; answer: (error?: Error) => void }[] = []
    const load = (keys: number[]) =>
      new Promise<number[]>((resolve, reject) =>
        rounds.push({ keys, answer: (error) => (error ? reject(error) : resolve(keys.map((key) => key * 2))) }),
      )
    return { rounds, ask: batched(load, options) }
  }
  const turn = () => new Promise(setImmediate)
  const keysOf = ({ keys }: { keys: number[] }) => keys

  it('are one question when asked together, and what is asked meanwhile is the next', async () => {
    const { rounds, ask } = doubling()
    const first = [ask(1), ask(2), ask(1)]
    await turn()
    const second = [ask(1), ask(3)]
    rounds[0]!.answer()
    expect(await Promise.all(first)).to.deep.equal([2, 4, 2])
    await turn()
    rounds[1]!.answer()
    expect(await Promise.all(second)).to.deep.equal([2, 6])
    expect(rounds.map(keysOf)).to.deep.equal([
      [1, 2],
      [1, 3],
    ])
  })

  it('are split when there are too many of them', async () => {
    const { rounds, ask } = doubling({ atMost: 2 })
    const answers = Promise.all([1, 2, 3, 4, 5].map(ask))
    for (let round = 0; round < 3; round++) {
      await turn()
      rounds[round]!.answer()
    }
    expect(await answers).to.deep.equal([2, 4, 6, 8, 10])
    expect(rounds.map(keysOf)).to.deep.equal([[1, 2], [3, 4], [5]])
  })

  it('fail together, and only those of one round', async () => {
    const { rounds, ask } = doubling()
    const failing = [ask(1), ask(2)].map((answer) => answer.catch((error) => error.message))
    await turn()
    const good = ask(3)
    rounds[0]!.answer(new Error('away'))
    expect(await Promise.all(failing)).to.deep.equal(['away', 'away'])
    await turn()
    rounds[1]!.answer()
    expect(await good).to.equal(6)
  })
})
