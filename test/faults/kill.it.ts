import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { startLoad } from '#test/kit/ledger.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { PARTS, type Stack, startStack } from '#test/kit/stack.ts'

/** More of them in the long suite. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 5)
const CLIENTS = 8

describe(`P1, P2: ${ROUNDS} times kill -9 at a random moment under load`, function () {
  this.timeout(60_000 + ROUNDS * 10_000)
  let stack: Stack
  before(async () => {
    stack = await startStack()
  })
  after(() => stack?.stop())

  it('loses no answered command, does none twice, and every view equals its replay', async () => {
    const load = await startLoad({ url: stack.url, clients: CLIENTS })
    const kills = Object.fromEntries(PARTS.map((part) => [part, 0]))
    for (let round = 0; round < ROUNDS; round++) {
      const before = load.answered()
      await eventually(() => expect(load.answered()).to.be.greaterThan(before + 25 * CLIENTS), { withinMs: 30_000 })
      // The randomness is in when it strikes: anywhere in a request, an append, a batch.
      await sleep(Math.random() * 200)
      const victims = round % 5 === 4 ? PARTS : [PARTS[round % PARTS.length]!]
      for (const victim of victims) {
        await stack.signal(victim, 'SIGKILL')
        kills[victim]!++
      }
      await eventually(() =>
        expect(stack.output.filter((line) => line.includes('SIGKILL')).length).to.equal(sum(Object.values(kills))),
      )
    }
    await load.stop()
    await eventually(() => load.audit(), { withinMs: 30_000, everyMs: 200 })
    await everyViewEqualsItsReplay(stack.databaseUrl)
    console.log(`      ${ROUNDS} rounds, killed ${JSON.stringify(kills)}, ${load.answered()} commands answered, lost 0, double 0`)
  })
})

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
