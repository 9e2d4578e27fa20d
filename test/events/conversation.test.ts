import { expect } from 'chai'
import {
  completeReply,
  conversations,
  dailyLimitReached,
  failReply,
  findConversation,
  messagesOfDay,
  sendMessage,
  startConversation,
} from '#events/conversation.ts'
import { given } from '#test/kit/given.ts'
import { conversationStarted, GUEST, messageSent, replyCompleted, replyFailed, VIDEO, videoAdded } from '#test/kit/histories.ts'
import { BEGINNING, world } from '#test/kit/world.ts'

describe('starting a conversation', () => {
  it('adds the video when it is new', () =>
    given()
      .when(startConversation({ viewer: 'user-1', videoId: VIDEO }))
      .then(videoAdded(), conversationStarted())
      .answering({ conversationId: 1, videoId: VIDEO, viewer: 'user-1', createdAt: BEGINNING }))

  it('is always a new one', () =>
    given(videoAdded(), conversationStarted())
      .when(startConversation({ viewer: 'user-1', videoId: VIDEO }), { conversation: 2 })
      .then(conversationStarted({ conversationId: 2 })))

  it('never takes a guest’s session id for a name', () => {
    const uuid = 'guest-0b9c7f0e-7f0e-4c0e-9c7f-0e7f0e4c0e9c'
    expect(() => given().when(startConversation({ viewer: uuid, videoId: VIDEO }))).to.throw()
  })
})

describe('a conversation', () => {
  it('is found by its owner only', () => {
    const find = (viewer: string, conversationId = 1) =>
      given(conversationStarted({ viewer: GUEST })).when(findConversation({ viewer, conversationId }))
    find(GUEST).thenNothing().answering({ conversationId: 1, videoId: VIDEO, viewer: GUEST, createdAt: BEGINNING, open: {} })
    find('user-1').thenRejected('NOT_FOUND', 'Conversation not found')
    find(GUEST, 2).thenRejected('NOT_FOUND', 'Conversation not found')
  })
})

describe('sending a message', () => {
  const asked = { viewer: 'user-1', conversationId: 1, text: 'What is it about?', quota: 2 }

  it('opens a reply', () => {
    given(conversationStarted()).when(sendMessage(asked)).then(messageSent()).answering({ messageId: 1 })
    const here = world()
    for (const event of [conversationStarted(), messageSent(), messageSent({ messageId: 2 })]) here.append([event])
    expect(here.state(conversations.of(1))!.open).to.deep.equal({ 1: BEGINNING + 1000, 2: BEGINNING + 2000 })
  })

  it('is for the owner only', () =>
    given(conversationStarted())
      .when(sendMessage({ ...asked, viewer: 'user-2' }))
      .thenRejected('NOT_FOUND', 'Conversation not found'))

  it('may be done while another reply is open', () =>
    given(conversationStarted(), messageSent())
      .when(sendMessage(asked), { message: 2 })
      .then(messageSent({ messageId: 2 })))

  it('counts over all conversations of a viewer, up to the quota', () => {
    const here = world()
    for (const conversationId of [1, 2]) here.append([conversationStarted({ conversationId })])
    here.append([conversationStarted({ conversationId: 3, viewer: 'user-2' })])
    for (const conversationId of [1, 2])
      expect(here.execute(sendMessage({ ...asked, conversationId }))).to.have.property('events')
    expect(here.execute(sendMessage(asked))).to.deep.equal({ rejection: dailyLimitReached('user-1', 2, here.now()) })
    expect(here.execute(sendMessage({ ...asked, viewer: 'user-2', conversationId: 3 }))).to.have.property('events')
  })
})

describe('the daily quota', () => {
  const day = Date.UTC(2026, 1, 28)

  it('is told of in the words for users and for guests', () => {
    expect(dailyLimitReached('user-7', 20, day)).to.deep.equal({
      code: 'RATE_LIMIT_EXCEEDED',
      message: 'Daily limit reached (20 messages/day)',
      details: { reset_in_seconds: 86_400 },
    })
    expect(dailyLimitReached(GUEST, 5, day + 1).message).to.equal('Daily limit reached (5 guest messages/day)')
  })

  it('begins again at midnight UTC, and says when that is', () => {
    const secondsAt = (time: number) => dailyLimitReached('user-7', 20, time).details
    expect(secondsAt(day - 1)).to.deep.equal({ reset_in_seconds: 1 })
    expect(secondsAt(day + 1)).to.deep.equal({ reset_in_seconds: 86_400 })
    expect(secondsAt(day + 86_399_000)).to.deep.equal({ reset_in_seconds: 1 })
    const names = [day - 1, day, day + 86_399_999, day + 86_400_000].map((time) => messagesOfDay('user-7', time).name)
    expect(names).to.deep.equal(['2026-02-27', '2026-02-28', '2026-02-28', '2026-03-01'].map((on) => `messages user-7 ${on}`))
  })

  it('is each viewer’s own', () => {
    expect(messagesOfDay('user-7', day).name).not.to.equal(messagesOfDay('user-70', day).name)
    expect(messagesOfDay(GUEST, day).name).not.to.equal(messagesOfDay('user-7', day).name)
  })
})

describe('a reply', () => {
  const completed = { conversationId: 1, replyTo: 1, text: 'A promise [0:43].', model: 'some-model' }
  const failed = { conversationId: 1, replyTo: 1, reason: 'the model failed', givenBack: true }

  it('is kept', () =>
    given(conversationStarted(), messageSent())
      .when(completeReply(completed), { message: 2 })
      .then(replyCompleted())
      .answering({ messageId: 2 }))

  it('comes too late once it was given up, or for a message that nobody sent', () => {
    given(conversationStarted(), messageSent(), replyFailed())
      .when(completeReply(completed))
      .thenRejected('CONFLICT', 'The reply is no longer awaited')
    given(conversationStarted()).when(completeReply(completed)).thenRejected('CONFLICT')
    given().when(completeReply(completed)).thenRejected('CONFLICT')
  })

  it('is given up once, and not when it is there', () => {
    given(conversationStarted(), messageSent()).when(failReply(failed)).then(replyFailed())
    given(conversationStarted(), messageSent(), replyFailed()).when(failReply(failed)).thenNothing()
    given(conversationStarted(), messageSent(), replyCompleted()).when(failReply(failed)).thenNothing()
  })

  it('that fails gives the message back for the day on which it was sent, if it says so', () => {
    const counts = (givenBack: boolean) => {
      const { decision } = given(conversationStarted(), messageSent()).when(failReply({ ...failed, givenBack }))
      return decision.rejection ? undefined : decision.counts
    }
    expect(counts(true)).to.deep.equal([{ ...messagesOfDay('user-1', BEGINNING + 1000), add: -1 }])
    expect(counts(false)).to.deep.equal([])
  })
})
