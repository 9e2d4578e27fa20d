import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { attend, type DoorOptions } from '#services/media-door/door.ts'
import { eventually } from '#test/kit/eventually.ts'

describe('the service of the door', () => {
  it('looks again when something changed while there is no door, and then rests', async () => {
    let [looks, ring] = [0, () => {}]
    const options = {
      spell: { failed: (error: unknown) => expect.fail(String(error)), worked() {} },
      onChange(callback: () => void) {
        ring = callback
        return () => {}
      },
      async isOpen() {
        looks++
        await turn()
        return false
      },
    }
    const attending = attend(options as unknown as DoorOptions)
    try {
      await eventually(() => expect(looks).to.equal(1))
      ring()
      await eventually(() => expect(looks).to.be.greaterThan(1))
      // Long enough for hundreds of looks by one that does not rest.
      await sleep(300)
      expect(looks).to.equal(2)
    } finally {
      await attending.stop()
    }
  })
})
