import { expect } from 'chai'
import type { NewEvent } from '#events/kit/envelope.ts'
import { noCaptions } from '#platform/youtube/hopeless.ts'
import { type FallbackOptions, mediaScheduler } from '#services/media-scheduler/reactor.ts'
import { taskAttemptFailed, taskCompleted } from '#test/kit/histories.ts'
import { recordedAs } from '#test/kit/world.ts'

const AT = 1_000
const commands = async (event: NewEvent, options: FallbackOptions = { isOn: true }) => {
  const recorded = { ...recordedAs(event, { version: 1, pos: 1, partition: 0, time: AT }), data: event.data }
  const [caused] = await mediaScheduler(options).causes([recorded as never])
  return caused!.map(({ name }) => name)
}
const HEARD = ['awaitHearing']
const captionless = taskAttemptFailed({ error: noCaptions, permanent: true })

describe('the media scheduler', () => {
  it('has a video heard for which a worker found no captions', async () => {
    expect(await commands(captionless)).to.deep.equal(HEARD)
    expect(await commands(taskCompleted({ restUntil: 5 }))).to.deep.equal(HEARD)
  })

  const others: [string, NewEvent][] = [
    ['is private', taskAttemptFailed({ error: 'Private video. Sign in if you may', permanent: true })],
    ['may have captions that another attempt gets', taskAttemptFailed({ error: noCaptions, retryAt: 5 })],
    ['has captions', taskCompleted()],
    ['has no metadata', taskCompleted({ kind: 'metadata', restUntil: 5 })],
  ]
  for (const [what, event] of others)
    it(`leaves a video alone that ${what}`, async () => expect(await commands(event)).to.deep.equal([]))

  it('leaves all alone while MEDIA_FALLBACK is off, and what ended before AI_ASK_FROM', async () => {
    expect(await commands(captionless, { isOn: false })).to.deep.equal([])
    expect(await commands(captionless, { isOn: true, from: AT + 1 })).to.deep.equal([])
    expect(await commands(captionless, { isOn: true, from: AT })).to.deep.equal(HEARD)
  })
})
