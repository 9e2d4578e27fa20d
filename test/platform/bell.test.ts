import { expect } from 'chai'
import { openBell } from '#platform/bell.ts'

describe('a bell', () => {
  it('wakes who waits', async () => {
    const bell = openBell()
    const waiting = bell.wait()
    bell.ring()
    await waiting
  })

  it('keeps a ring until it is hushed', async () => {
    const bell = openBell()
    bell.ring()
    await bell.wait()
    await bell.wait()
    bell.hush()
    let isOver = false
    const waiting = bell.wait().then(() => {
      isOver = true
    })
    await new Promise(setImmediate)
    expect(isOver).to.equal(false)
    bell.ring()
    await waiting
  })

  it('lets nobody wait for longer than said', async () => {
    await openBell().wait(1)
  })
})
