import { completeReply, failReply } from '#events/conversation.ts'
import type { Command } from '#events/kit/command.ts'
import { faultOf } from '#platform/http/access-log.ts'
import { strip } from '#platform/http/text.ts'
import { type Model, ModelError } from '#platform/llm/open.ts'
import { type Context, type Executed, Rejected } from '#platform/log/executor.ts'
import { messagesUpTo } from '#projections/messages.ts'
import type { Needs } from './needs.ts'
import { requestOf } from './prompt.ts'
import { type Outcome, Reply } from './reply.ts'
import type { Segment } from './segments.ts'
import { storable } from './words.ts'

/** A message that was sent, and what it is to be answered from. */
export interface Turn {
  conversationId: number
  messageId: number
  text: string
  title: string | null
  segments: readonly Segment[]
  correlationId: string
  traceparent: string | null
}

/** The replies that this process is making. */
export interface Replies {
  /** Has a message answered. The reply is made and kept whether or not anybody listens. */
  begin(turn: Turn): Reply
  /** The reply to a message, while it is being made here. */
  find(messageId: number): Reply | undefined
  /** How many are being made. */
  count(): number
  /** Whether so many are being made that no more should be begun. */
  isFull(): boolean
  /** The server is stopping: what is not done after `graceMs` is given up, also what only then begins. */
  stop(graceMs: number): void
  /** Resolves when none is left. */
  idle(): Promise<void>
}

/** What a model is shown of a conversation: its last messages, with the one to answer. */
const RECALLED = 10
/** Several times as long as any answer for which there is room: only a model that has lost its way gets there. */
const MAX_LENGTH = 200_000
/** Each holds a transcript, and an open call to the model. */
const MAX_AT_ONCE = 200
/** An answer that people wait for shall not be lost to a database that is away for a moment. */
const TRIES_AFTER_MS = [0, 200, 1_000, 3_000]

export function repliesOf(
  { execute, visible, db, log }: Pick<Needs, 'execute' | 'visible' | 'db' | 'log'>,
  model: Model,
  maxAtOnce = MAX_AT_ONCE,
): Replies {
  const making = new Map<number, { reply: Reply; made: Promise<void> }>()
  const stopping = new AbortController()
  const whoIs = ({ correlationId, traceparent }: Turn): Context => ({ actor: 'wiz', correlationId, traceparent })

  async function make(turn: Turn, reply: Reply): Promise<Outcome> {
    const { conversationId, messageId: replyTo } = turn
    let said = ''
    const giveUp = async (reason: string) => {
      const givenBack = strip(said) === ''
      await surely(failReply({ conversationId, replyTo, reason, givenBack }), whoIs(turn))
      return givenBack && reason === SAID_NOTHING ? 'empty' : 'failed'
    }
    try {
      const request = requestOf({ ...turn, messages: await recalled(turn) }, model)
      for await (const piece of storable(model.reply(request, stopping.signal))) {
        said += piece
        if (said.length > MAX_LENGTH) throw new ModelError(`${model.name} does not come to an end`)
        reply.say(piece)
      }
    } catch (error) {
      log.warn({ conversationId, requestId: turn.correlationId, model: model.name, fault: faultOf(error) }, 'a reply failed')
      return giveUp(stopping.signal.aborted ? 'the server stopped' : 'the model failed')
    }
    if (strip(said) === '') return giveUp(SAID_NOTHING)
    // The key makes a second try harmless when the first one was written and only its answer was lost.
    const idempotency = { scope: 'wiz', key: `reply to ${replyTo}`, fingerprint: 'reply' }
    const completed = completeReply({ conversationId, replyTo, text: said, model: model.name })
    const { positions } = await surely(completed, { ...whoIs(turn), idempotency })
    await visible(['messages', 'open-replies'], positions).catch(() => false)
    return 'completed'
  }

  /** The messages that a model is shown. What was sent a moment ago may not be visible yet, but it is known. */
  async function recalled({ conversationId, messageId, text }: Turn) {
    const rows = await messagesUpTo(db, { conversationId, messageId, limit: RECALLED })
    const before = rows.filter((row) => row.message_id !== messageId).slice(1 - RECALLED)
    return [...before, { role: 'user', content: text }].map(({ role, content }) => ({
      from: role === 'user' ? ('user' as const) : ('model' as const),
      text: content,
    }))
  }

  async function surely<R>(command: Command<R>, context: Context): Promise<Executed<R>> {
    let cause: unknown
    for (const afterMs of TRIES_AFTER_MS) {
      if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs))
      try {
        return await execute(command, context)
      } catch (error) {
        if (error instanceof Rejected) throw error
        cause = error
      }
    }
    throw cause
  }

  return {
    begin(turn) {
      const reply = new Reply()
      const made = make(turn, reply)
        .catch((error): Outcome => {
          // It stays open and is given up later, by whoever finds it.
          log.error({ conversationId: turn.conversationId, fault: faultOf(error) }, 'a reply could not be kept')
          return 'failed'
        })
        .then((outcome) => {
          making.delete(turn.messageId)
          reply.end(outcome)
        })
      making.set(turn.messageId, { reply, made })
      return reply
    },
    find: (messageId) => making.get(messageId)?.reply,
    count: () => making.size,
    isFull: () => making.size >= maxAtOnce,
    stop(graceMs) {
      setTimeout(() => stopping.abort(new Error('the server stopped')), graceMs).unref()
    },
    async idle() {
      while (making.size > 0) await Promise.all([...making.values()].map(({ made }) => made))
    },
  }
}

const SAID_NOTHING = 'the model said nothing'
