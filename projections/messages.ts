import { type ConversationEvent, conversationEvents, MessageSent, ReplyCompleted } from '#events/conversation.ts'
import { type Queryable, view } from './engine/view.ts'

/** A message of either side. */
export type MessageRow = {
  message_id: number
  conversation_id: number
  /** Its place in the conversation. Numbers are drawn ahead by several processes and say nothing about order. */
  version: number
  role: string
  content: string
  /** The message that Wiz answers with this one. */
  reply_to: number | null
  created_at: string
}

/** Numbers of messages begin with 1: events that bring no message touch no row. */
const NO_MESSAGE = 0

export const messagesView = view('messages', {
  version: 1,
  from: conversationEvents,
  key: 'message_id',
  anew: [MessageSent, ReplyCompleted],
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
  evolve: (_: MessageRow | undefined, event: ConversationEvent) => {
    if (event.type !== 'MessageSent' && event.type !== 'ReplyCompleted') return undefined
    const { messageId: message_id, conversationId: conversation_id, text: content } = event.data
    const row = { message_id, conversation_id, version: event.version, content, created_at: new Date(event.time).toISOString() }
    return event.type === 'MessageSent'
      ? { ...row, role: 'user', reply_to: null }
      : { ...row, role: 'assistant', reply_to: event.data.replyTo }
  },
})

/** The messages of a conversation, oldest first; moments as Postgres writes them (UTC). */
export const messagesOf = (db: Queryable, conversationId: number): Promise<MessageRow[]> =>
  db.query<MessageRow>(
    'messages.of',
    `select message_id, conversation_id, version, role, content, reply_to, created_at
       from views.messages where conversation_id = $1 order by version`,
    [conversationId],
  )

/** The last messages of a conversation up to one of them, oldest first. That one is missing if it cannot be seen yet. */
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

/** What Wiz answered to a message; undefined while it has not. */
export async function replyTo(db: Queryable, conversationId: number, messageId: number): Promise<string | undefined> {
  const [reply] = await db.query<{ content: string }>(
    'messages.replyTo',
    'select content from views.messages where conversation_id = $1 and reply_to = $2',
    [conversationId, messageId],
  )
  return reply?.content
}
