import { expect } from 'chai'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import type { View } from '#projections/engine/view.ts'
import { openWaiter, type Waiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import { notesView } from '#projections/notes.ts'
import { userVideosView } from '#projections/user-videos.ts'
import { eventually } from '#test/kit/eventually.ts'
import { noteCreated } from '#test/kit/histories.ts'
import { testReader } from '#test/kit/log.ts'
import { type Workshop, workshop } from '../workshop.ts'

describe('a projector', () => {
  let shop: Workshop
  let waiter: Waiter
  beforeEach(async () => {
    shop = await workshop()
    await setupViews(views, shop)
    waiter = openWaiter(shop.db, shop.listener, views)
  })
  afterEach(async () => {
    waiter.close()
    await shop.close()
  })

  /** One in a process of its own, as far as the database can tell. */
  const another = async (folds: readonly View[] = views) => {
    const db = openDb(shop.url)
    const listener = openListener(shop.url)
    const reader = await testReader(shop.url, db, listener)
    const projector = startProjector({ db, reader, views: folds })
    const stop = async () => {
      await projector.stop()
      await reader.close()
      await listener.close()
      await db.close()
    }
    return { stop, standsBy: projector.standsBy }
  }
  const counted = async () => (await shop.rows(userVideosView)).map((row) => row.notes)

  it('keeps the views up to date, and another one takes over where it stopped', async () => {
    const [first, second] = [await another(), await another()]
    const some = await shop.record(noteCreated(), noteCreated({ noteId: 2 }))
    expect(await waiter.visible(['notes', 'user-videos'], some, 15_000)).to.equal(true)
    await first.stop()
    const more = await shop.record(noteCreated({ noteId: 3 }))
    expect(await waiter.visible(['notes', 'user-videos'], more, 15_000)).to.equal(true)
    await second.stop()
    const last = await shop.record(noteCreated({ noteId: 4 }))
    const third = await another()
    expect(await waiter.visible(['notes', 'user-videos'], last, 15_000)).to.equal(true)
    await third.stop()
    expect(await counted()).to.deep.equal([4])
  })

  it('goes on by itself when its connections break', async () => {
    const one = await another()
    for (let i = 1; i <= 5; i++) {
      const events = await shop.record(noteCreated({ noteId: i }))
      await shop.db.query(
        'break',
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query not like '%LISTEN%'`,
      )
      expect(await waiter.visible(['user-videos'], events, 15_000)).to.equal(true)
    }
    await one.stop()
    expect(await counted()).to.deep.equal([5])
  })

  it('does not touch a view that is live in a version it does not know', async () => {
    const old = await another([{ ...notesView, version: 0 }])
    await shop.record(noteCreated())
    const said = `notes is live in version ${notesView.version}; this process knows version 0`
    await eventually(() => expect(String(old.standsBy()[0])).to.include(said))
    await old.stop()
    expect(await shop.rows(notesView)).to.deep.equal([])
  })
})
