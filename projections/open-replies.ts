import {
  aboutConversation,
  type ConversationEvent,
  conversationEvents,
  MessageSent,
  NO_MESSAGE,
  ReplyCompleted,
  ReplyFailed,
} from '#events/conversation.ts'
import type { Foldable } from '#events/kit/envelope.ts'
import { isOneOf, noCaseFor } from '#events/kit/stream.ts'
import { isoTime } from './engine/iso-time.ts'
import { columnsOf, gone, type Queryable, view } from './engine/view.ts'

/** A message that still waits for its reply. */
export type OpenReplyRow = {
  /** The viewer's message. */
  message_id: number
  conversation_id: number
  sent_at: string
}

export const openRepliesView = view('open-replies', {
  version: 1,
  from: conversationEvents,
  key: 'message_id',
  perStream: true,
  overwrites: [MessageSent, ReplyCompleted, ReplyFailed],
  columns: { message_id: 'bigint not null', conversation_id: 'bigint not null', sent_at: 'timestamptz not null' },
  indexes: ['(sent_at)'],
  id: (event) => {
    if (isOneOf(aboutConversation, event)) return NO_MESSAGE
    return event.type === 'MessageSent' ? event.data.messageId : event.data.replyTo
  },
  evolve: (_: OpenReplyRow | undefined, event: Foldable<ConversationEvent>) => {
    if (isOneOf(aboutConversation, event)) return undefined
    switch (event.type) {
      case 'MessageSent': {
        const { messageId: message_id, conversationId: conversation_id } = event.data
        return { message_id, conversation_id, sent_at: isoTime(event.time) }
      }
      case 'ReplyCompleted':
      case 'ReplyFailed':
        return gone
      default:
        return noCaseFor(event)
    }
  },
})

/** Replies open since before a moment (milliseconds since the epoch), oldest first, at most `limit`. */
export const openSince = (db: Queryable, before: number, limit: number): Promise<OpenReplyRow[]> =>
  db.query<OpenReplyRow>(
    'openReplies.since',
    `select ${columnsOf(openRepliesView)} from views.open_replies
      where sent_at < to_timestamp($1 / 1000.0) order by sent_at limit $2`,
    [before, limit],
  )

/** Whether a message still waits for its reply. */
export async function isReplyOpen(db: Queryable, messageId: number): Promise<boolean> {
  return (await db.query('openReplies.is', 'select 1 from views.open_replies where message_id = $1', [messageId])).length > 0
}
