import {
  aboutConversation,
  type ConversationEvent,
  conversationEvents,
  MessageSent,
  NO_MESSAGE,
  ReplyCompleted,
} from '#events/conversation.ts'
import type { Foldable } from '#events/kit/envelope.ts'
import { isOneOf, noCaseFor } from '#events/kit/stream.ts'
import { isoTime } from './engine/iso-time.ts'
import { columnsOf, type Queryable, view } from './engine/view.ts'

/** A message of the viewer or of Wiz. */
export type MessageRow = {
  message_id: number
  conversation_id: number
  /** Order within the conversation. Ids do not give the order: several processes draw them ahead. */
  version: number
  role: string
  content: string
  /** For a message of Wiz: the message that it answers. */
  reply_to: number | null
  created_at: string
}

type FoldedEvent = Foldable<ConversationEvent>

export const messagesView = view('messages', {
  version: 1,
  from: conversationEvents,
  key: 'message_id',
  perStream: true,
  overwrites: [MessageSent, ReplyCompleted],
  columns: {
    message_id: 'bigint not null',
    conversation_id: 'bigint not null',
    version: 'int not null',
    role: 'text not null',
    content: 'text not null',
    reply_to: 'bigint',
    created_at: 'timestamptz not null',
  },
  indexes: ['(conversation_id, version)'],
  id: (event) => ('messageId' in event.data ? event.data.messageId : NO_MESSAGE),
  evolve: (_: MessageRow | undefined, event: FoldedEvent) => {
    if (isOneOf(aboutConversation, event)) return undefined
    switch (event.type) {
      case 'MessageSent':
        return { ...message(event), role: 'user', reply_to: null }
      case 'ReplyCompleted':
        return { ...message(event), role: 'assistant', reply_to: event.data.replyTo }
      case 'ReplyFailed':
        return undefined
      default:
        return noCaseFor(event)
    }
  },
})

const message = ({ data, version, time }: Extract<FoldedEvent, { type: 'MessageSent' | 'ReplyCompleted' }>) => {
  const { messageId: message_id, conversationId: conversation_id, text: content } = data
  return { message_id, conversation_id, version, content, created_at: isoTime(time) }
}

/** The messages of a conversation, oldest first. Times as Postgres writes them (UTC). */
export const messagesOf = (db: Queryable, conversationId: number): Promise<MessageRow[]> =>
  db.query<MessageRow>(
    'messages.of',
    `select ${columnsOf(messagesView)} from views.messages where conversation_id = $1 order by version`,
    [conversationId],
  )

/**
 * The last `limit` messages of a conversation up to and including `messageId`, oldest first. If the view does not have that
 * message yet, the last messages of the conversation.
 */
export const messagesUpTo = (
  db: Queryable,
  { conversationId, messageId, limit }: { conversationId: number; messageId: number; limit: number },
): Promise<Pick<MessageRow, 'message_id' | 'role' | 'content'>[]> =>
  db.query(
    'messages.upTo',
    `select message_id, role, content from (
       select message_id, role, content, version from views.messages
        where conversation_id = $1
          and version <= coalesce((select version from views.messages where message_id = $2), 2147483647)
        order by version desc limit $3) latest
     order by version`,
    [conversationId, messageId, limit],
  )

/** Wiz's answer to a message; undefined while there is none. */
export async function replyTo(db: Queryable, conversationId: number, messageId: number): Promise<string | undefined> {
  const [reply] = await db.query<{ content: string }>(
    'messages.replyTo',
    'select content from views.messages where conversation_id = $1 and reply_to = $2',
    [conversationId, messageId],
  )
  return reply?.content
}
