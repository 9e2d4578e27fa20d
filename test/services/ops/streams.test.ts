import { expect } from 'chai'
import { EventStream, type Out } from '#platform/http/stream.ts'
import { accessOf } from '#services/ops/access.ts'
import { openStreams } from '#services/ops/streams.ts'

const NEVER_MS = 3_600_000
const NEVER = new AbortController().signal

describe('a stream of a person', () => {
  it('ends at the moment when they sign out, and tells nothing from then on', async () => {
    const access = accessOf({ OPS_PASSWORD: 'a password', OPS_TOKENS: [] })
    const { who } = access.signIn('a password')!
    const streams = openStreams(access, { checkMs: NEVER_MS })
    const told: string[] = []
    const out: Out = { gone: NEVER, left: NEVER, send: async (frame) => void told.push(frame) }
    const stream = streams.of(
      who,
      new EventStream(async ({ gone, left, send }) => {
        await send('before')
        access.signOut(who)
        expect([gone.aborted, left.aborted]).to.deep.equal([true, true])
        await send('after')
      }),
    )
    await stream.run(out)
    expect(told.slice(1)).to.deep.equal(['before'])
    expect(streams.count()).to.equal(0)
  })
})
