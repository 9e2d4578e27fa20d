import { completeReply, failReply } from '#events/conversation.ts'
import type { Command } from '#events/kit/command.ts'
import { strip } from '#platform/http/text.ts'
import { type Model, ModelError } from '#platform/llm/open.ts'
import { type Context, type Executed, Rejected } from '#platform/log/commands/executor.ts'
import { faultOf } from '#platform/telemetry/fault.ts'
import { messagesUpTo } from '#projections/messages.ts'
import type { Needs } from './needs.ts'
import { requestOf } from './prompt.ts'
import { Reply, type ReplyEnd } from './reply.ts'
import type { Segment } from './segments.ts'
import { storable } from './words.ts'

/** A sent message, and the data for answering it. */
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
  /** Starts a reply. It is made and stored whether or not anybody listens. */
  begin(turn: Turn): Reply
  /** The reply to a message, while this process is making it. */
  find(messageId: number): Reply | undefined
  /** Number of replies in the making. */
  count(): number
  /** Whether the maximum is reached, so that no more should be begun. */
  isFull(): boolean
  /** For a stopping server: fails replies that are not done after `graceMs`, including those begun later. */
  stop(graceMs: number): void
  /** Resolves when no reply is left. */
  idle(): Promise<void>
}

/** Messages of a conversation that a model gets, including the one to answer. */
const RECALLED = 10
/** Several times as long as any answer of REPLY_TOKENS (`prompt.ts`); only a model that does not stop gets there. */
const MAX_LENGTH = 200_000
/** Each reply holds a transcript and an open call to the model. */
const MAX_AT_ONCE = 200
/** Retries, so that a short outage of the database does not lose an answer that people wait for. */
const TRIES_AFTER_MS = [0, 200, 1_000, 3_000]

export function repliesOf(
  { execute, waiter, db, log }: Pick<Needs, 'execute' | 'waiter' | 'db' | 'log'>,
  model: Model,
  maxAtOnce = MAX_AT_ONCE,
): Replies {
  const making = new Map<number, { reply: Reply; made: Promise<void> }>()
  const stopping = new AbortController()
  const whoIs = ({ correlationId, traceparent }: Turn): Context => ({ actor: 'wiz', correlationId, traceparent })

  async function make(turn: Turn, reply: Reply): Promise<ReplyEnd> {
    const { conversationId, messageId: replyTo } = turn
    let said = ''
    const giveUp = async (reason: string) => {
      const givenBack = strip(said) === ''
      await surely(failReply({ conversationId, replyTo, reason, givenBack }), whoIs(turn))
      return givenBack && reason === SAID_NOTHING ? 'empty' : 'failed'
    }
    try {
      const request = await requestOf({ ...turn, messages: await recalled(turn) }, model)
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
    // The key makes a retry harmless when the first try was written and only its answer was lost.
    const idempotency = { scope: 'wiz', key: `reply to ${replyTo}`, fingerprint: 'reply' }
    const completed = completeReply({ conversationId, replyTo, text: said, model: model.name })
    const { positions } = await surely(completed, { ...whoIs(turn), idempotency })
    await waiter.visible(['messages', 'open-replies'], positions).catch(() => false)
    return 'completed'
  }

  /** The messages for the model. The one just sent may not be visible in the view yet, so it is added here. */
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
        .catch((error): ReplyEnd => {
          // The reply stays open; `giveUpAbandoned` fails it later, in some process.
          log.error({ conversationId: turn.conversationId, fault: faultOf(error) }, 'could not store a reply')
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
