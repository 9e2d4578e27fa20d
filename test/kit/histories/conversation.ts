import fc from 'fast-check'
import {
  ConversationStarted,
  completeReply,
  failReply,
  MessageSent,
  ReplyCompleted,
  ReplyFailed,
  sendMessage,
  startConversation,
} from '#events/conversation.ts'
import { GUEST, QUOTA, someText, someVideo, VIDEO } from './few.ts'
import { usually, wished } from './usually.ts'

export const conversationStarted = usually(ConversationStarted, { conversationId: 1, videoId: VIDEO, viewer: 'user-1' })
export const messageSent = usually(MessageSent, { conversationId: 1, messageId: 1, text: 'What is it about?' })
export const replyCompleted = usually(ReplyCompleted, {
  conversationId: 1,
  messageId: 2,
  replyTo: 1,
  text: 'A promise [0:43].',
  model: 'some-model',
})
export const replyFailed = usually(ReplyFailed, { conversationId: 1, replyTo: 1, reason: 'the model failed', givenBack: true })

const someViewer = fc.constantFrom('user-1', GUEST)
const someTalk = fc.integer({ min: 1, max: 3 })
const someMessage = fc.integer({ min: 1, max: 12 })

/** Random commands. */
export const conversationWishes = {
  startConversation: wished(2, startConversation, fc.record({ viewer: someViewer, videoId: someVideo })),
  sendMessage: wished(
    4,
    sendMessage,
    fc.record({ viewer: someViewer, conversationId: someTalk, text: someText, quota: fc.constant(QUOTA) }),
  ),
  completeReply: wished(
    3,
    completeReply,
    fc.record({ conversationId: someTalk, replyTo: someMessage, text: someText, model: fc.constant('m') }),
  ),
  failReply: wished(
    3,
    failReply,
    fc.record({ conversationId: someTalk, replyTo: someMessage, reason: fc.constant('r'), givenBack: fc.boolean() }),
  ),
}
