import { expect } from 'chai'
import { handingOver } from '#platform/log/consumers/handover.ts'
import { type Follower, HandedOver } from '#platform/log/port.ts'
import { eventually } from '#test/kit/eventually.ts'

describe('giving up a call that hangs', () => {
  const open: PromiseWithResolvers<void>[] = []
  const follower: Follower = {
    consumer: 'notes',
    topic: { name: 'vidwiz.notes', partitions: 1 },
    resume: async () => new Map(),
    handle: () => {
      const call = Promise.withResolvers<void>()
      open.push(call)
      return call.promise
    },
  }
  const outcomeOf = (handling: Promise<void>) =>
    handling.then(
      () => 'done',
      (error) => (error instanceof HandedOver ? error.message : error),
    )

  it('waits for as long as nobody else could go on', async () => {
    let hasPeer = false
    let looks = 0
    const look = () => {
      looks++
      return hasPeer
    }
    const { handle } = handingOver(follower, { hasPeer: look, longestMs: 1 })
    const outcome = outcomeOf(handle([]))
    await eventually(() => expect(looks).to.be.greaterThan(0))
    expect(await Promise.race([outcome, 'waits'])).to.equal('waits')
    hasPeer = true
    expect(await outcome).to.match(/^notes has worked on events of vidwiz.notes for \d+ s without an end/)
    open.at(-1)!.resolve()
  })

  it('lets a batch that may only be slow take twice as long each time, and no longer once one was done', async () => {
    const { handle } = handingOver(follower, { hasPeer: () => true, longestMs: 20 })
    const msOf = async () => {
      const began = performance.now()
      expect(await outcomeOf(handle([]))).to.match(/without an end/)
      open.at(-1)!.resolve()
      return performance.now() - began
    }
    expect(await msOf()).to.be.greaterThan(19)
    expect(await msOf()).to.be.greaterThan(39)
    expect(await msOf()).to.be.greaterThan(79)
    const quick = outcomeOf(handle([]))
    open.at(-1)!.resolve()
    expect(await quick).to.equal('done')
    const after = outcomeOf(handle([]))
    const longer = new Promise((resolve) => setTimeout(resolve, 150, 'more than 20 ms'))
    expect(await Promise.race([after, longer])).to.match(/without an end/)
    open.at(-1)!.resolve()
  })

  it('is settled only when the call that was given up has come back', async () => {
    const { handle, settled } = handingOver(follower, { hasPeer: () => true, longestMs: 1 })
    await outcomeOf(handle([]))
    let isSettled = false
    const settling = settled!().then(() => {
      isSettled = true
    })
    await new Promise(setImmediate)
    expect(isSettled).to.equal(false)
    open.at(-1)!.reject(new Error('fenced'))
    await settling
  })
})
