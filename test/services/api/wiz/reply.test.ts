import { expect } from 'chai'
import fc from 'fast-check'
import type { Out } from '#platform/http/stream.ts'
import { openLogger } from '#platform/telemetry/logger.ts'
import { tell } from '#services/api/wiz/frames.ts'
import { repeatedReply } from '#services/api/wiz/repeated-reply.ts'
import { Reply } from '#services/api/wiz/reply.ts'
import { storable } from '#services/api/wiz/words.ts'
import { eventually } from '#test/kit/eventually.ts'
import { knowing } from './knowing.ts'

/** A client that takes a frame when told to, and may leave. */
function listener() {
  const left = new AbortController()
  const frames: string[] = []
  let room = Promise.withResolvers<void>()
  const out: Out = {
    send(frame) {
      if (!left.signal.aborted) frames.push(frame)
      return left.signal.aborted ? Promise.resolve() : room.promise
    },
    gone: left.signal,
    left: left.signal,
  }
  return {
    out,
    frames,
    take() {
      room.resolve()
      room = Promise.withResolvers()
    },
    leave() {
      left.abort()
      room.resolve()
    },
  }
}

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

describe('a reply on its way', () => {
  it('is told at the pace of its client, and made at its own', async () => {
    const reply = new Reply()
    const client = listener()
    const told = tell(client.out, reply)
    for (const piece of ['a', 'b', 'c']) reply.say(piece)
    reply.end('completed')
    await turns()
    expect(client.frames, 'one frame is on its way, and no more').to.have.length(1)
    for (let i = 0; i < 4; i++) {
      client.take()
      await turns()
    }
    await told
    expect(client.frames).to.deep.equal([
      'data: {"content": "a"}\n\n',
      'data: {"content": "b"}\n\n',
      'data: {"content": "c"}\n\n',
      'data: [DONE]\n\n',
    ])
  })

  it('is heard from the beginning by whoever comes later', async () => {
    const reply = new Reply()
    reply.say('a')
    const heard = async () => {
      const pieces: string[] = []
      const words = reply.heard()
      for (let next = await words.next(); ; next = await words.next()) {
        if (next.done) return [...pieces, next.value]
        pieces.push(next.value)
      }
    }
    const early = heard()
    await turns()
    reply.say('b')
    reply.end('failed')
    expect(await early).to.deep.equal(['a', 'b', 'failed'])
    expect(await heard()).to.deep.equal(['a', 'b', 'failed'])
  })

  it('is told no further to a client that has left', async () => {
    const reply = new Reply()
    const client = listener()
    const told = tell(client.out, reply)
    reply.say('a')
    await turns()
    client.leave()
    await turns()
    reply.say('b')
    await told
    expect(client.frames).to.have.length(1)
  })
})

describe('a reply asked for again', () => {
  const sent = { viewer: 'user-1', conversationId: 1, messageId: 7 }
  /** A log in which the reply is open until told otherwise, and a view that shows a text if there is one. */
  const world = (state: { open: boolean; text?: string; visible?: boolean; broken?: boolean }) => {
    const looks = { count: 0 }
    return {
      state,
      looks,
      execute: async () => {
        looks.count++
        if (state.broken) throw new Error('the database is away')
        return { result: { open: state.open ? { 7: 1 } : {} }, positions: [], seen: [], replayed: false } as never
      },
      waiter: knowing(() => state.visible ?? true),
      db: { query: async () => (state.text === undefined ? [] : [{ content: state.text }]) } as never,
      log: openLogger('test', 'silent'),
    }
  }
  const told = async (needs: ReturnType<typeof world>) => {
    const frames: string[] = []
    const { signal } = new AbortController()
    const out: Out = { send: async (frame) => void frames.push(frame), gone: signal, left: signal }
    await tell(out, repeatedReply(needs, sent, 1))
    return frames
  }

  it('is told when it is closed and can be seen', async () => {
    const needs = world({ open: true, visible: false })
    const telling = told(needs)
    await eventually(() => expect(needs.looks.count).to.be.greaterThan(1))
    Object.assign(needs.state, { open: false })
    const looked = needs.looks.count
    await eventually(() => expect(needs.looks.count, 'closed, but not to be seen yet').to.be.greaterThan(looked + 1))
    Object.assign(needs.state, { visible: true, text: 'a' })
    expect(await telling).to.deep.equal(['data: {"content": "a"}\n\n', 'data: [DONE]\n\n'])
  })

  it('ends in order when it failed, or cannot be looked up', async () => {
    for (const state of [{ open: false }, { open: true, broken: true }])
      expect(await told(world(state))).to.deep.equal(['data: {"error": "Processing error"}\n\n', 'data: [DONE]\n\n'])
  })

  it('is looked for no longer when its client has left', async () => {
    const needs = world({ open: true })
    const client = listener()
    const telling = tell(client.out, repeatedReply(needs, sent, 1))
    client.leave()
    await telling
    expect(client.frames).to.deep.equal([])
    expect(needs.looks.count).to.be.at.most(1)
  })
})

describe('words that can be kept', () => {
  const kept = async (pieces: string[]) => {
    const whole: string[] = []
    for await (const piece of storable(
      (async function* () {
        yield* pieces
      })(),
    ))
      whole.push(piece)
    return whole
  }
  const anyText = fc
    .array(fc.constantFrom('a', '😀', '\0', '\ud83d', '\ude00', 'é\u2028'), { maxLength: 12 })
    .map((all) => all.join(''))

  it('are the same however the model cuts them: well-formed, without NUL, no piece empty', () =>
    fc.assert(
      fc.asyncProperty(anyText, fc.array(fc.nat(), { maxLength: 8 }), async (text, cuts) => {
        const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
        const pieces = at.slice(1).map((to, i) => text.slice(at[i], to))
        const whole = await kept(pieces)
        expect(whole.join('')).to.equal(text.toWellFormed().replaceAll('\0', ''))
        for (const piece of whole) expect(piece.isWellFormed() && piece !== '', JSON.stringify(piece)).to.equal(true)
      }),
    ))
})
