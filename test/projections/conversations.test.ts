import { conversationsView } from '#projections/conversations.ts'
import { messagesView } from '#projections/messages.ts'
import { openRepliesView } from '#projections/open-replies.ts'
import { conversationStarted, messageSent, replyCompleted, replyFailed, VIDEO } from '#test/kit/histories.ts'
import { having, moment } from './showing.ts'

const talk = [conversationStarted(), messageSent(), messageSent({ messageId: 3, text: 'And then?' }), replyCompleted()]

describe('the conversations view', () => {
  it('shows whose it is and what it is about, whatever is said in it', () => {
    const shown = having(...talk, replyFailed({ replyTo: 3 })).view(conversationsView)
    shown.isWhole()
    shown.shows({ conversation_id: 1, video_id: VIDEO, viewer: 'user-1', created_at: moment(1) })
  })
})

describe('the messages view', () => {
  it('shows what both sides said', () => {
    const shown = having(...talk).view(messagesView)
    shown.isWhole()
    shown.shows(
      { message_id: 1, conversation_id: 1, role: 'user', content: 'What is it about?', reply_to: null, created_at: moment(2) },
      { message_id: 3, role: 'user', content: 'And then?' },
      { message_id: 2, role: 'assistant', content: 'A promise [0:43].', reply_to: 1, created_at: moment(4) },
    )
  })

  it('shows nothing for a reply that failed', () =>
    having(conversationStarted(), messageSent(), replyFailed()).view(messagesView).shows({ message_id: 1, role: 'user' }))
})

describe('the view of open replies', () => {
  it('shows the messages that await one', () => {
    const shown = having(...talk).view(openRepliesView)
    shown.isWhole()
    shown.shows({ message_id: 3, conversation_id: 1, sent_at: moment(3) })
  })

  it('no longer shows what failed', () =>
    having(...talk, replyFailed({ replyTo: 3 }))
      .view(openRepliesView)
      .shows())
})
