import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import { atMost, unlessAborted, untilAborted, within } from '#platform/deadline.ts'

const never = new Promise<never>(() => {})
const failing = () => Promise.reject(new Error('failed'))
const messageOf = (work: Promise<unknown>) => work.then(String, (error: Error) => `threw ${error.message}`)

describe('a deadline', () => {
  it('gives what the work gives, or throws what it throws', async () => {
    expect(await within(60_000, Promise.resolve('done'), () => 'late')).to.equal('done')
    expect(await messageOf(within(60_000, failing(), () => 'late'))).to.equal('threw failed')
  })

  it('gives, or throws, what was agreed when the work is late', async () => {
    expect(await within(1, never, () => 'late')).to.equal('late')
    const tooLate = within(1, never, () => {
      throw new Error('too late')
    })
    expect(await messageOf(tooLate)).to.equal('threw too late')
  })

  it('of something that is closed ignores its errors', async () => {
    await atMost(60_000, failing())
    await atMost(60_000, undefined)
    await atMost(1, never)
  })

  it('set by a signal throws the reason of the signal at once, also when it was aborted before', async () => {
    const controller = new AbortController()
    expect(await unlessAborted(controller.signal, Promise.resolve('done'))).to.equal('done')
    expect(await messageOf(unlessAborted(controller.signal, failing()))).to.equal('threw failed')
    const waiting = messageOf(unlessAborted(controller.signal, never))
    controller.abort(new Error('stopped'))
    expect(await waiting).to.equal('threw stopped')
    expect(await messageOf(unlessAborted(controller.signal, never))).to.equal('threw stopped')
  })

  it('set by a signal can give undefined instead, but throws what the work throws', async () => {
    const controller = new AbortController()
    expect(await untilAborted(controller.signal, Promise.resolve('done'))).to.equal('done')
    expect(await messageOf(untilAborted(controller.signal, failing()))).to.equal('threw failed')
    const waiting = untilAborted(controller.signal, never)
    controller.abort()
    expect(await waiting).to.equal(undefined)
    expect(await untilAborted(controller.signal, never)).to.equal(undefined)
    expect(await messageOf(untilAborted(controller.signal, failing()))).to.equal('threw failed')
  })

  it('leaves nothing at a signal that outlives the work', async () => {
    const { signal } = new AbortController()
    for (let n = 0; n < 20; n++) await untilAborted(signal, Promise.resolve())
    expect(getEventListeners(signal, 'abort')).to.deep.equal([])
  })
})
