import { z } from 'zod'
import { dailyLimitReached, findConversation, messagesOfDay, sendMessage, startConversation } from '#events/conversation.ts'
import { findVideo, hasTranscript } from '#events/video.ts'
import { now as clock } from '#platform/clock.ts'
import { integer, rule, text } from '#platform/http/fields.ts'
import { Answer } from '#platform/http/route.ts'
import { EventStream, eventStreamLike } from '#platform/http/stream.ts'
import { strip } from '#platform/http/text.ts'
import { rejected } from '#platform/log/commands/contract.ts'
import { counterAt } from '#platform/log/counters.ts'
import { conversationOf } from '#projections/conversations.ts'
import { messagesOf } from '#projections/messages.ts'
import { nameOf, viewer } from '../auth/guards.ts'
import { busy, notConfigured, notFound } from '../errors.ts'
import { route } from '../route.ts'
import { fromMs, fromPg } from '../times.ts'
import { videoIdField } from '../video-id.ts'
import { tell } from '../wiz/frames.ts'
import { repeatedReply } from '../wiz/repeated-reply.ts'

const ConversationRead = z
  .object({ id: z.int(), video_id: z.string(), created_at: z.string(), updated_at: z.string() })
  .meta({ id: 'Conversation' })

const MessageRead = z
  .object({
    id: z.int(),
    conversation_id: z.int(),
    role: z.enum(['user', 'assistant']),
    content: z.string(),
    metadata: z.null(),
    created_at: z.string(),
  })
  .meta({ id: 'ChatMessage' })

const Message = z.strictObject({
  message: text()
    .transform(strip)
    .refine(Boolean, rule('message cannot be empty'))
    .meta({ examples: ['When does it begin?'] }),
})
const Processing = z.object({ status: z.literal('processing'), message: z.string() })

const ConversationPath = z.object({ conversation_id: integer({ min: 1 }) })

const NOT_YOURS = { 404: 'You have no such conversation' }

export const conversationRoutes = [
  route(
    'POST',
    '/v2/conversations',
    {
      summary: 'Start a conversation about a video',
      auth: viewer,
      body: z.strictObject({ video_id: videoIdField }),
      answers: { 201: ConversationRead },
    },
    async ({ user, body, execute }) => {
      const start = startConversation({ viewer: nameOf(user), videoId: body.video_id })
      const { conversationId, videoId, createdAt } = await execute(start, { visibleIn: ['conversations', 'videos'] })
      return conversationRead(conversationId, videoId, fromMs(createdAt))
    },
  ),

  route(
    'GET',
    '/v2/conversations/:conversation_id',
    {
      summary: 'Read a conversation',
      reads: ['conversations'],
      auth: viewer,
      params: ConversationPath,
      answers: { 200: ConversationRead },
      refuses: NOT_YOURS,
    },
    async ({ user, params, db }) => {
      const conversation = await conversationOf(db, nameOf(user), params.conversation_id)
      if (!conversation) throw noSuchConversation()
      return conversationRead(conversation.conversation_id, conversation.video_id, fromPg(conversation.created_at))
    },
  ),

  route(
    'GET',
    '/v2/conversations/:conversation_id/messages',
    {
      summary: 'Read the messages of a conversation',
      reads: ['conversations', 'messages'],
      auth: viewer,
      params: ConversationPath,
      answers: { 200: z.array(MessageRead) },
      refuses: NOT_YOURS,
    },
    async ({ user, params, db }) => {
      if (!(await conversationOf(db, nameOf(user), params.conversation_id))) throw noSuchConversation()
      return (await messagesOf(db, params.conversation_id)).map((message) => ({
        id: message.message_id,
        conversation_id: message.conversation_id,
        role: message.role as 'user' | 'assistant',
        content: message.content,
        metadata: null,
        created_at: fromPg(message.created_at),
      }))
    },
  ),

  route(
    'POST',
    '/v2/conversations/:conversation_id/messages',
    {
      summary: 'Send a message to Wiz and hear its reply',
      auth: viewer,
      params: ConversationPath,
      body: Message,
      answers: { 200: eventStreamLike('data: {"content": "It begins at [1:23]."}\n\ndata: [DONE]\n\n'), 202: Processing },
      refuses: {
        404: 'You have no such conversation, or the transcript is missing',
        429: 'You have sent as many messages as a day allows',
        503: 'Too many replies are on their way, or the transcript cannot be read: try again in a moment',
      },
      exists: ({ user, params, ask }) => ask(findConversation({ viewer: nameOf(user), conversationId: params.conversation_id })),
    },
    async ({ user, params, body, request, app, db, ask, executed, earlier }) => {
      const { wiz } = app
      const viewer = nameOf(user)
      const conversationId = params.conversation_id
      const quota = wiz.quotas[user.kind]
      const visible = { visibleIn: ['messages', 'open-replies'] } as const
      const again = (messageId: number) =>
        wiz.replies?.find(messageId) ?? repeatedReply(app, { viewer, conversationId, messageId })

      const before = await earlier<{ messageId: number }>(visible)
      if (before) return new EventStream((out) => tell(out, again(before.messageId)))

      const { videoId } = await ask(findConversation({ viewer, conversationId }))
      const now = clock()
      if ((await counterAt(db, messagesOfDay(viewer, now).name)) >= quota) throw rejected(dailyLimitReached(viewer, quota, now))
      const video = await ask(findVideo({ videoId }))
      if (!video?.transcript || !hasTranscript(video))
        return new Answer(202, { status: 'processing', message: 'Transcript processing' })
      const segments = await wiz.transcripts.of(videoId, video.transcript.sha256)
      if (!segments) throw notFound('Transcript data missing')
      if (!wiz.replies) throw notConfigured(`${wiz.provider} API key not configured`)
      if (wiz.replies.isFull()) throw busy()

      const { message } = body
      const sent = await executed(sendMessage({ viewer, conversationId, text: message, quota }), visible)
      const { messageId } = sent.result
      const { id: correlationId, traceparent } = request
      const turn = { conversationId, messageId, text: message, title: video.title, segments, correlationId, traceparent }
      const reply = sent.replayed ? again(messageId) : wiz.replies.begin(turn)
      return new EventStream((out) => tell(out, reply))
    },
  ),
]

const noSuchConversation = () => notFound('Conversation not found')

/** Both times are the same: messages do not move `updated_at`, and nothing else about a conversation can change. */
const conversationRead = (id: number, video_id: string, at: string): z.input<typeof ConversationRead> => ({
  id,
  video_id,
  created_at: at,
  updated_at: at,
})
