import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { showUpTo } from '#projections/engine/up-to.ts'
import { openWaiter, type Waiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import { looks } from '#services/ai-notes/looks.ts'
import type { Looks } from '#services/ai-notes/reactor.ts'
import {
  aiNoteAwaited,
  noteCreated,
  profileUpdated,
  transcriptStored,
  userRegistered,
  VIDEO,
  videoAdded,
} from '#test/kit/histories.ts'
import { type Workshop, workshop } from '#test/projections/workshop.ts'

const empty = { text: null, timestamp: '1:23' }

describe('what ai-notes looks for', () => {
  let shop: Workshop
  let waiter: Waiter
  let look: Looks
  let projector: { stop(): Promise<void> } | undefined
  beforeEach(async () => {
    shop = await workshop()
    await setupViews(views, shop)
    waiter = openWaiter(shop.db, shop.listener, views)
    look = looks(shop.db, showUpTo(shop.db, waiter, new AbortController().signal), true)
  })
  afterEach(async () => {
    await projector?.stop()
    projector = undefined
    waiter.close()
    await shop.close()
  })
  const project = () => {
    projector = startProjector({ ...shop, views })
  }
  const stored = async () => {
    const [event] = await shop.record(transcriptStored())
    return { pos: event!.pos, data: { videoId: VIDEO } }
  }

  it('are the notes that were taken before the transcript, though the views show them later', async () => {
    await shop.record(userRegistered(), profileUpdated({ aiNotes: true }), videoAdded(), noteCreated(empty))
    const found = look.notesThatWait(await stored())
    await sleep(300)
    project()
    expect(await found).to.deep.equal([{ noteId: 1, userId: 1 }])
  })

  it('are the notes and requests before the switch, though the views show them later', async () => {
    await shop.record(userRegistered(), videoAdded(), noteCreated(empty))
    const [event] = await shop.record(profileUpdated({ aiNotes: true }))
    const found = look.emptyNotes({ pos: event!.pos, data: { userId: 1 } })
    await sleep(300)
    project()
    expect(await found).to.deep.equal([{ noteId: 1, videoId: VIDEO, backfill: false }])
  })

  it('are awaited notes too that no view of notes or users shows, for what comes of their streams may be parked', async () => {
    await shop.record(userRegistered(), videoAdded(), aiNoteAwaited({ noteId: 7, request: 'note-7' }))
    project()
    expect(await look.notesThatWait(await stored())).to.deep.equal([{ noteId: 7, userId: 1 }])
  })
})
