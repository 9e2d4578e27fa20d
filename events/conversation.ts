import { z } from 'zod'
import { id, videoId, viewer } from './ids.ts'
import { type Count, command, emit, nothing, type Rejection, reject } from './kit/command.ts'
import { DAY_MS, dayIsUsedUp, dayOf, midnightAfter } from './kit/day.ts'
import { decider, type EventFrom, noCaseFor, stream } from './kit/stream.ts'
import { conversations as topic } from './topics.ts'
import { mention, videos } from './video.ts'

/** A viewer's conversation with Wiz about a video. Stream `conversation-<id>`. */
export const conversationStream = stream<{ conversationId: number }>('conversation', {
  topic,
  id: (e) => e.conversationId,
  key: (e) => e.conversationId,
})

// Events ----------------------------------------------------------------

const conversationId = id
/** One sequence numbers the messages of both sides. */
const messageId = id
/** The id of no message: ids start at 1. In the views of messages, an event without a message touches the row of this id, so none. */
export const NO_MESSAGE = 0

export const ConversationStarted = conversationStream.event(
  'ConversationStarted',
  1,
  z.object({ conversationId, videoId, viewer }),
)
export const MessageSent = conversationStream.event('MessageSent', 1, z.object({ conversationId, messageId, text: z.string() }))
/** Wiz has answered the message `replyTo`; `model` wrote the text. */
export const ReplyCompleted = conversationStream.event(
  'ReplyCompleted',
  1,
  z.object({ conversationId, messageId, replyTo: messageId, text: z.string(), model: z.string() }),
)
/**
 * Wiz will not answer the message `replyTo`. `givenBack`: the message no longer counts toward the
 * quota of the day it was sent on.
 */
export const ReplyFailed = conversationStream.event(
  'ReplyFailed',
  1,
  z.object({ conversationId, replyTo: messageId, reason: z.string(), givenBack: z.boolean() }),
)

/** What happens to a conversation itself. Views of its messages ignore it. */
export const aboutConversation = [ConversationStarted] as const
export const conversationEvents = [...aboutConversation, MessageSent, ReplyCompleted, ReplyFailed] as const
export type ConversationEvent = EventFrom<(typeof conversationEvents)[number]>

// State -----------------------------------------------------------------

export interface Conversation {
  conversationId: number
  videoId: string
  viewer: string
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Messages that still wait for a reply, each with the time it was sent (milliseconds since the epoch). */
  open: Record<string, number>
}

export const evolveConversation = (talk: Conversation | undefined, event: ConversationEvent): Conversation | undefined => {
  if (event.type === 'ConversationStarted') return { ...event.data, createdAt: event.time, open: {} }
  if (!talk) return talk
  switch (event.type) {
    case 'MessageSent':
      return { ...talk, open: { ...talk.open, [event.data.messageId]: event.time } }
    case 'ReplyCompleted':
    case 'ReplyFailed': {
      const { [event.data.replyTo]: _, ...open } = talk.open
      return { ...talk, open }
    }
    default:
      return noCaseFor(event)
  }
}

export const conversations = decider<Conversation, ConversationEvent>(conversationStream, 1, evolveConversation, {
  ids: ['conversation', 'message'],
})

// Quota -------------------------------------------------------------------

/**
 * Name and expiry of the counter of a viewer's messages on one day (UTC), over all conversations. Times
 * in milliseconds since the epoch.
 */
export const messagesOfDay = (viewer: string, time: number): Pick<Count, 'name' | 'until'> => ({
  name: `messages ${viewer} ${dayOf(time)}`,
  // Kept one day longer than it counts: a reply that fails after midnight must still find the counter to give its message back.
  until: midnightAfter(time) + DAY_MS,
})

/** Rejection for a viewer who has used up the day's messages. */
export const dailyLimitReached = (viewer: string, quota: number, now: number): Rejection =>
  dayIsUsedUp(`Daily limit reached (${quota} ${viewer.startsWith('guest-') ? 'guest ' : ''}messages/day)`, now)

// Decisions ---------------------------------------------------------------

const isOf = (talk: Conversation | undefined, viewer: string): talk is Conversation => talk?.viewer === viewer
const noSuchConversation = () => reject('NOT_FOUND', 'Conversation not found')

/** Starts a new conversation, and adds the video if it is new. */
export const startConversation = (cmd: { viewer: string; videoId: string }) =>
  command({
    name: 'startConversation',
    reads: { video: videos.of(cmd.videoId) },
    ids: ['conversation', 'video'],
    decide: ({ video }, { now, ids }) => {
      const { viewer, videoId } = cmd
      const started = ConversationStarted({ conversationId: ids.conversation, videoId, viewer })
      return emit([...mention(video, { videoId, id: ids.video }), started], { ...started.data, createdAt: now })
    },
  })

/** Finds the viewer's own conversation; changes nothing. */
export const findConversation = (cmd: { viewer: string; conversationId: number }) =>
  command({
    name: 'findConversation',
    reads: { talk: conversations.of(cmd.conversationId) },
    decide: ({ talk }) => (isOf(talk, cmd.viewer) ? nothing(talk) : noSuchConversation()),
  })

/** Sends a message to Wiz and counts it toward the day's quota. The message now waits for a reply. */
export const sendMessage = (cmd: { viewer: string; conversationId: number; text: string; quota: number }) =>
  command({
    name: 'sendMessage',
    reads: { talk: conversations.of(cmd.conversationId) },
    ids: ['message'],
    decide: ({ talk }, { now, ids }) => {
      const { viewer, conversationId, text, quota } = cmd
      if (!isOf(talk, viewer)) return noSuchConversation()
      const sent = MessageSent({ conversationId, messageId: ids.message, text })
      const bound = { most: quota, refused: dailyLimitReached(viewer, quota, now) }
      return emit([sent], { messageId: ids.message }, { counts: [{ ...messagesOfDay(viewer, now), add: 1, bound }] })
    },
  })

/** Records Wiz's answer. Rejected when the reply was closed meanwhile. */
export const completeReply = (cmd: { conversationId: number; replyTo: number; text: string; model: string }) =>
  command({
    name: 'completeReply',
    reads: { talk: conversations.of(cmd.conversationId) },
    ids: ['message'],
    decide: ({ talk }, { ids }) =>
      talk?.open[cmd.replyTo] === undefined
        ? reject('CONFLICT', 'The reply is no longer awaited')
        : emit([ReplyCompleted({ ...cmd, messageId: ids.message })], { messageId: ids.message }),
  })

/**
 * Closes a reply that will not come. `givenBack` returns the message to the day's quota: for
 * viewers who got no word of the reply.
 */
export const failReply = (cmd: { conversationId: number; replyTo: number; reason: string; givenBack: boolean }) =>
  command({
    name: 'failReply',
    reads: { talk: conversations.of(cmd.conversationId) },
    decide: ({ talk }) => {
      const sentAt = talk?.open[cmd.replyTo]
      if (!talk || sentAt === undefined) return nothing({})
      const counts = cmd.givenBack ? [{ ...messagesOfDay(talk.viewer, sentAt), add: -1 }] : []
      return emit([ReplyFailed(cmd)], {}, { counts })
    },
  })
