import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { aiRequestsView } from '#projections/ai-requests.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { type ShowUpTo, showUpTo } from '#projections/engine/up-to.ts'
import type { View } from '#projections/engine/view.ts'
import { openWaiter, type Waiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import { notesView } from '#projections/notes.ts'
import { usersView } from '#projections/users.ts'
import { looks } from '#services/ai-notes/looks.ts'
import type { Looks } from '#services/ai-notes/reactor.ts'
import {
  aiNoteAwaited,
  aiNoteRequested,
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
  let shown: ShowUpTo
  let look: Looks
  let projector: { stop(): Promise<void> } | undefined
  beforeEach(async () => {
    shop = await workshop()
    await setupViews(views, shop)
    waiter = openWaiter(shop.db, shop.listener, views)
    shown = showUpTo(shop.db, waiter, new AbortController().signal)
    look = looks(shop.db, shown, true)
  })
  afterEach(async () => {
    await projector?.stop()
    projector = undefined
    waiter.close()
    await shop.close()
  })
  const project = (some: readonly View[] = views) => {
    const before = projector
    const added = startProjector({ ...shop, views: some })
    projector = { stop: async () => void (await Promise.all([before?.stop(), added.stop()])) }
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

  for (const late of [notesView, usersView, aiRequestsView])
    it(`are not taken from ${late.name} that are behind`, async () => {
      await shop.record(userRegistered(), profileUpdated({ aiNotes: true }), videoAdded(), noteCreated(empty))
      await shop.record(aiNoteAwaited({ noteId: 7, request: 'note-7' }))
      const event = await stored()
      project(views.filter(({ name }) => name !== late.name))
      const found = look.notesThatWait(event)
      await sleep(500)
      project(views.filter(({ name }) => name === late.name))
      expect((await found).map(({ noteId }) => noteId)).to.deep.equal([1, 7])
    })

  it('are at most a hundred notes of a user to be made up for, oldest first, and none unless that is wanted', async () => {
    await shop.record(
      userRegistered(),
      videoAdded(),
      ...Array.from({ length: 103 }, (_, i) => noteCreated({ ...empty, noteId: i + 1 })),
    )
    await shop.record(transcriptStored(), aiNoteRequested({ backfill: true }))
    const [event] = await shop.record(profileUpdated({ aiNotes: true }))
    project()
    const on = { pos: event!.pos, data: { userId: 1 } }
    const found = await look.emptyNotes(on)
    expect(found.map(({ noteId }) => noteId)).to.deep.equal(Array.from({ length: 99 }, (_, i) => i + 2))
    expect(found.every(({ backfill }) => backfill)).to.equal(true)
    expect(await looks(shop.db, shown, false).emptyNotes(on)).to.deep.equal([])
  })

  it('are the notes and requests before the switch, though the views show them later', async () => {
    await shop.record(userRegistered(), videoAdded(), noteCreated(empty))
    const [event] = await shop.record(profileUpdated({ aiNotes: true }))
    const found = look.emptyNotes({ pos: event!.pos, data: { userId: 1 } })
    await sleep(300)
    project()
    expect(await found).to.deep.equal([{ noteId: 1, videoId: VIDEO, backfill: false }])
  })

  it('are not the notes after the switch, each of which asks for itself, though the views show them already', async () => {
    await shop.record(userRegistered(), videoAdded(), noteCreated(empty))
    const [event] = await shop.record(profileUpdated({ aiNotes: true }))
    const later = await shop.record(noteCreated({ ...empty, noteId: 2 }))
    project()
    await shown([notesView], later[0]!.pos, async () => {})
    const found = await look.emptyNotes({ pos: event!.pos, data: { userId: 1 } })
    expect(found.map(({ noteId }) => noteId)).to.deep.equal([1])
  })

  it('are awaited notes too that no view of notes or users shows, for what comes of their streams may be parked', async () => {
    await shop.record(userRegistered(), videoAdded(), aiNoteAwaited({ noteId: 7, request: 'note-7' }))
    project()
    expect(await look.notesThatWait(await stored())).to.deep.equal([{ noteId: 7, userId: 1 }])
  })
})
