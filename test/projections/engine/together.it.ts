import { expect } from 'chai'
import type { Reader } from '#platform/log/port.ts'
import { conversationsView } from '#projections/conversations.ts'
import { compare, isClean } from '#projections/engine/compare.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { rebuildTogether } from '#projections/engine/together.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import { messagesView } from '#projections/messages.ts'
import { notesView } from '#projections/notes.ts'
import { userVideosView } from '#projections/user-videos.ts'
import { messageSent, noteCreated, noteEdited, replyCompleted } from '#test/kit/histories.ts'
import { readingAfter } from '../replayed.ts'
import { type Workshop, workshop } from '../workshop.ts'

describe('several views', () => {
  let shop: Workshop
  let read: string[]
  /** Tells which topics were read, in whatever order. */
  const watched = (): Reader => ({
    ...shop.reader,
    history: (query, take) => {
      read.push(query.topic)
      return shop.reader.history(query, take)
    },
    async historyByStream(query, take) {
      const isRead = (await shop.reader.historyByStream?.(query, take)) ?? false
      if (isRead) read.push(query.topic)
      return isRead
    },
  })
  beforeEach(async () => {
    read = []
    shop = await workshop()
    await shop.record(
      ...Array.from({ length: 30 }, (_, i) => noteCreated({ noteId: i + 1 })),
      noteEdited({ noteId: 1 }),
      messageSent({ conversationId: 1, messageId: 1 }),
      replyCompleted({ conversationId: 1, messageId: 2, replyTo: 1 }),
    )
  })
  afterEach(() => shop.close())

  const rebuiltAll = async (some: readonly View[]) => {
    const reader = watched()
    const all = []
    for await (const ofTopic of rebuildTogether(some, { db: shop.db, reader }, (view, shared) =>
      rebuild(view, { ...shared, db: shop.db, reader }),
    ))
      all.push(...ofTopic)
    return all
  }

  it('are built from one reading of their topic, at the first start and in a rebuild, with the same rows as alone (P6)', async () => {
    await setupViews(views, { ...shop, reader: watched() })
    expect(read.filter((topic) => topic === notesView.topic.name)).to.deep.equal([notesView.topic.name])
    const alone = new Map<string, unknown>()
    for (const view of views) {
      await rebuild(view, shop)
      alone.set(view.name, await shop.rows(view))
    }
    read = []
    const all = await rebuiltAll(views)
    expect(all.map(({ view, outcome }) => [view.name, outcome.status])).to.have.deep.members(
      views.map(({ name }) => [name, 'fulfilled']),
    )
    expect(read).to.have.length(new Set(read).size)
    for (const view of views) {
      expect(await shop.rows(view)).to.deep.equal(alone.get(view.name))
      expect(isClean(await compare(view, shop))).to.equal(true)
    }
  })

  it('do not fail with one of them, whose table stays as it was', async () => {
    const some = [notesView, userVideosView]
    await setupViews(some, shop)
    const before = await shop.rows(userVideosView)
    const broken: View = {
      ...userVideosView,
      evolve: () => {
        throw new Error('no idea')
      },
    }
    await shop.db.query('empty', 'delete from views.notes')
    const [notes, other] = await rebuiltAll([notesView, broken])
    expect(notes!.outcome).to.deep.include({ status: 'fulfilled' })
    expect(other!.outcome.status === 'rejected' && other!.outcome.reason.message).to.match(
      /^view user-videos cannot apply .*no idea$/,
    )
    expect(await shop.rows(notesView)).to.have.length(30)
    expect(await shop.rows(userVideosView)).to.deep.equal(before)
    expect(read).to.have.length(1)
  })

  it('do not wait for one that another process rebuilds', async () => {
    const some = [conversationsView, messagesView]
    await setupViews(some, shop)
    const gate = Promise.withResolvers<void>()
    const reader = readingAfter(shop.reader, () => gate.promise)
    const locked = Promise.withResolvers<void>()
    const elsewhere = rebuild(conversationsView, { ...shop, reader, onLocked: async () => locked.resolve() })
    await locked.promise
    const [first, second] = await rebuiltAll(some)
    expect(first!.outcome.status === 'rejected' && first!.outcome.reason.message).to.equal(
      'view conversations is being rebuilt already',
    )
    expect(second!.outcome.status).to.equal('fulfilled')
    gate.resolve()
    expect(await elsewhere).to.include({ events: 2 })
  })
})
