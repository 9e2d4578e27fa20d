import { expect } from 'chai'
import { messagesOfDay, sendMessage, startConversation } from '#events/conversation.ts'
import type { Model } from '#platform/llm/open.ts'
import type { Execute } from '#platform/log/commands/executor.ts'
import { openLogger } from '#platform/telemetry/logger.ts'
import { giveUpAbandoned } from '#services/api/wiz/abandoned.ts'
import { repliesOf } from '#services/api/wiz/replies.ts'
import type { Reply } from '#services/api/wiz/reply.ts'
import { eventually } from '#test/kit/eventually.ts'
import { GUEST, VIDEO } from '#test/kit/histories.ts'
import { type InProcess, startInProcess } from '../routes/in-process.ts'
import { knowing } from './knowing.ts'

const log = openLogger('test', 'silent')
const ANOTHER = `guest-${'b'.repeat(22)}`
const nobody = { actor: null, correlationId: null }

/** A model that does what a test says, on this side of the wire. */
const saying = (reply: Model['reply']): Model => ({ name: 'm', windowTokens: 100_000, reply })

describe('the replies of a process', () => {
  let api: InProcess
  before(async function () {
    this.timeout(60_000)
    api = await startInProcess()
  })
  after(() => api?.stop())

  const needs = (over: { execute?: Execute } = {}) => ({ ...api, waiter: knowing(() => true), log, ...over })
  const sent = async (text = 'x', viewer = GUEST) => {
    const { conversationId } = (await api.execute(startConversation({ viewer, videoId: VIDEO }), nobody)).result
    const { messageId } = (await api.execute(sendMessage({ viewer, conversationId, text, quota: 1000 }), nobody)).result
    return { conversationId, messageId, text, title: null, segments: [], correlationId: 'r', traceparent: null }
  }
  const outcome = async (reply: Reply) => {
    const words = reply.heard()
    while (true) {
      const { done, value } = await words.next()
      if (done) return value
    }
  }
  const lastEvent = async ({ conversationId }: { conversationId: number }) => {
    const [event] = await api.db.query<{ type: string; data: string; actor: string; correlation_id: string }>(
      't.last',
      'select type, data, actor, correlation_id from log.events where stream = $1 order by version desc limit 1',
      [`conversation-${conversationId}`],
    )
    return { ...event!, data: JSON.parse(event!.data) }
  }
  const counted = async (viewer = GUEST) =>
    (
      await api.db.query<{ value: number }>('t.counted', 'select value from log.counters where name = $1', [
        messagesOfDay(viewer, Date.now()).name,
      ])
    )[0]!.value

  it('are kept with what gave them, under the request that asked', async () => {
    const turn = await sent()
    const replies = repliesOf(
      needs(),
      saying(async function* () {
        yield 'a'
      }),
    )
    expect(await outcome(replies.begin(turn))).to.equal('completed')
    expect(await lastEvent(turn)).to.deep.include({ type: 'ReplyCompleted', actor: 'wiz', correlation_id: 'r' })
    expect((await lastEvent(turn)).data).to.include({ replyTo: turn.messageId, text: 'a', model: 'm' })
  })

  it('know the message to answer also while no view shows it', async () => {
    let asked: unknown
    const model = saying(async function* ({ messages }) {
      asked = messages
      yield 'a'
    })
    const { conversationId, ...turn } = await sent('hidden')
    await outcome(repliesOf(needs(), model).begin({ ...turn, conversationId, messageId: 999_999, text: 'not there yet' }))
    expect(asked).to.have.deep.members(
      [
        { from: 'user', text: 'hidden' },
        { from: 'user', text: 'not there yet' },
      ].slice(-(asked as []).length),
    )
    expect((asked as { text: string }[]).at(-1)!.text).to.equal('not there yet')
  })

  it('are kept once the database is back', async () => {
    const turn = await sent()
    let failures = 2
    const execute: Execute = (command, context) => {
      if (failures-- > 0) return Promise.reject(new Error('the database is away'))
      return api.execute(command, context)
    }
    const model = saying(async function* () {
      yield 'a'
    })
    expect(await outcome(repliesOf(needs({ execute }), model).begin(turn))).to.equal('completed')
  })

  it('are kept once, also when only the answer of the database was lost', async () => {
    const turn = await sent()
    let isFirst = true
    const execute: Execute = async (command, context) => {
      const executed = await api.execute(command, context)
      if (!isFirst) return executed
      isFirst = false
      throw new Error('the connection broke')
    }
    const model = saying(async function* () {
      yield 'a'
    })
    expect(await outcome(repliesOf(needs({ execute }), model).begin(turn))).to.equal('completed')
    const rows = await api.db.query('t.once', `select 1 from log.events where stream = $1 and type = 'ReplyCompleted'`, [
      `conversation-${turn.conversationId}`,
    ])
    expect(rows).to.have.length(1)
  })

  it('that do not come to an end are given up', async () => {
    const turn = await sent()
    const model = saying(async function* () {
      while (true) yield 'and so on '.repeat(1000)
    })
    expect(await outcome(repliesOf(needs(), model).begin(turn))).to.equal('failed')
    expect((await lastEvent(turn)).data).to.include({ reason: 'the model failed', givenBack: false })
  })

  it('are given up when the server stops, after a while; what had no word yet is given back', async () => {
    const before = await counted()
    const model = saying(async function* (_, signal) {
      signal.throwIfAborted()
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const replies = repliesOf(needs(), model)
    const turn = await sent()
    const reply = replies.begin(turn)
    replies.stop(30)
    await replies.idle()
    expect(await outcome(reply)).to.equal('failed')
    expect((await lastEvent(turn)).data).to.include({ reason: 'the server stopped', givenBack: true })
    expect(await counted()).to.equal(before)
    const late = await sent()
    expect(await outcome(replies.begin(late)), 'what begins only then').to.equal('failed')
  })

  it('are found while they are made, and are not more than can be', async () => {
    const go = Promise.withResolvers<void>()
    const model = saying(async function* () {
      await go.promise
      yield 'a'
    })
    const replies = repliesOf(needs(), model, 2)
    const turns = [await sent(), await sent()]
    const begun = turns.map((turn) => replies.begin(turn))
    expect(turns.map(({ messageId }) => replies.find(messageId))).to.deep.equal(begun)
    expect(replies.isFull()).to.equal(true)
    go.resolve()
    await replies.idle()
    expect([replies.isFull(), replies.find(turns[0]!.messageId)]).to.deep.equal([false, undefined])
  })

  describe('that nobody makes any more', () => {
    const sweep = (graceMs: number) => giveUpAbandoned({ ...needs() }, 0, { graceMs, sweepMs: 20 })

    it('are given up and given back, once, whoever looks', async () => {
      const turn = await sent('x', ANOTHER)
      const before = await counted(ANOTHER)
      const stops = [sweep(50), sweep(50), sweep(50)]
      await eventually(async () => expect((await lastEvent(turn)).type).to.equal('ReplyFailed'))
      await Promise.all(stops.map((stop) => stop()))
      expect((await lastEvent(turn)).data).to.include({ replyTo: turn.messageId, reason: 'nobody finished it', givenBack: true })
      expect(await counted(ANOTHER)).to.equal(before - 1)
      const late = repliesOf(
        needs(),
        saying(async function* () {
          yield 'too late'
        }),
      )
      expect(await outcome(late.begin(turn)), 'and stay so').to.equal('failed')
      expect(await counted(ANOTHER)).to.equal(before - 1)
    })

    it('are left alone as long as somebody may be making them', async () => {
      const turn = await sent()
      const stop = sweep(60_000)
      await eventually(async () => {
        const [row] = await api.db.query<{ n: number }>('t.open', 'select count(*) as n from views.open_replies')
        expect(row!.n).to.be.greaterThan(0)
      })
      await stop()
      expect((await lastEvent(turn)).type).to.equal('MessageSent')
    })
  })
})
