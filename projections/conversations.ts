import { type ConversationEvent, ConversationStarted, conversationEvents } from '#events/conversation.ts'
import type { Foldable } from '#events/kit/envelope.ts'
import { noCaseFor } from '#events/kit/stream.ts'
import { isoTime } from './engine/iso-time.ts'
import { columnsOf, type Queryable, view } from './engine/view.ts'

/** A viewer's conversation with Wiz about a video. */
export type ConversationRow = {
  conversation_id: number
  video_id: string
  /** `user-<id>` or `guest-<name>` */
  viewer: string
  created_at: string
}

export const conversationsView = view('conversations', {
  version: 1,
  from: conversationEvents,
  key: 'conversation_id',
  perStream: true,
  overwrites: [ConversationStarted],
  columns: {
    conversation_id: 'bigint not null',
    video_id: 'text not null',
    viewer: 'text not null',
    created_at: 'timestamptz not null',
  },
  indexes: ['(viewer, video_id)'],
  id: (event) => event.data.conversationId,
  evolve: (_: ConversationRow | undefined, event: Foldable<ConversationEvent>) => {
    switch (event.type) {
      case 'ConversationStarted': {
        const { conversationId: conversation_id, videoId: video_id, viewer } = event.data
        return { conversation_id, video_id, viewer, created_at: isoTime(event.time) }
      }
      case 'MessageSent':
      case 'ReplyCompleted':
      case 'ReplyFailed':
        return undefined
      default:
        return noCaseFor(event)
    }
  },
})

/** A conversation if it is this viewer's. Times as Postgres writes them (UTC). */
export async function conversationOf(db: Queryable, viewer: string, id: number): Promise<ConversationRow | undefined> {
  const [conversation] = await db.query<ConversationRow>(
    'conversations.of',
    `select ${columnsOf(conversationsView)} from views.conversations where conversation_id = $2 and viewer = $1`,
    [viewer, id],
  )
  return conversation
}
