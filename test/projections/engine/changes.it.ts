import { expect } from 'chai'
import { applier } from '#projections/engine/apply.ts'
import { type Changes, openChanges } from '#projections/engine/changes.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { redrive } from '#projections/engine/redrive.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import type { View } from '#projections/engine/view.ts'
import { notesView } from '#projections/notes.ts'
import { videosView } from '#projections/videos.ts'
import { eventually } from '#test/kit/eventually.ts'
import { metadataStored, noteCreated, summaryStored, VIDEO, videoAdded, videoTitled } from '#test/kit/histories.ts'
import { type Workshop, workshop } from '../workshop.ts'

const all = Array.from({ length: videosView.topic.partitions }, (_, partition) => partition)
const OTHER = 'other_video'

describe('watching rows of views', () => {
  let shop: Workshop
  let changes: Changes
  beforeEach(async () => {
    shop = await workshop()
    await setupViews([videosView, notesView], shop)
    changes = openChanges(shop.listener, { safetyNetMs: 600_000 })
    // Who listens first is called because of what went before.
    shop.listener.on('checkpoints', () => {})
    await silence()
  })
  afterEach(async () => {
    changes.close()
    await shop.close()
  })

  /** Counts calls. */
  const counted = (watch: (callback: () => void) => () => void) => {
    const count = { calls: 0, stop: () => {} }
    count.stop = watch(() => {
      count.calls++
    })
    return count
  }
  const row = (id: string, view: View = videosView) => counted((callback) => changes.onRow(view, id, callback))
  const views = (...views: View[]) => counted((callback) => changes.onMove(views, callback))

  const applied = async (view: View, ...events: Parameters<Workshop['record']>) => {
    const own = applier(shop.db, liveOf(view))
    await own.resume(all)
    await own.handle(await shop.record(...events))
  }

  /** Everything told until now has been heard: what is told later comes later. */
  async function silence() {
    let heard = false
    const stop = shop.listener.on('silence', (payload) => {
      heard ||= payload === 'over'
    })
    await eventually(async () => {
      await shop.db.query('silence', `select pg_notify('silence', 'over')`)
      expect(heard).to.equal(true)
    })
    stop()
  }

  it('calls who watches a row that changed, and nobody else', async () => {
    const [mine, again, other, note] = [row(VIDEO), row(VIDEO), row(OTHER), row(VIDEO, notesView)]
    const [moved, both] = [views(videosView), views(notesView, videosView)]
    await applied(videosView, videoAdded(), videoAdded({ videoId: 'another_one', id: 2 }))
    await silence()
    expect([mine, again, other, note, moved, both].map(({ calls }) => calls)).to.deep.equal([1, 1, 0, 0, 1, 1])
    again.stop()
    await applied(videosView, videoTitled())
    await applied(notesView, noteCreated())
    await silence()
    expect([mine, again, other, moved, both].map(({ calls }) => calls)).to.deep.equal([2, 1, 0, 2, 3])
  })

  it('calls those who watch rows of a view that does not tell them, whenever it moves', async () => {
    const note = row('9', notesView)
    await applied(notesView, noteCreated())
    await silence()
    expect(note.calls).to.equal(1)
  })

  it('calls everybody when too many rows changed to be told', async () => {
    const other = row(OTHER)
    // Fewer than are written in two transactions.
    const many = Array.from({ length: 490 }, (_, i) => videoAdded({ videoId: `v${String(i).padStart(10, '0')}`, id: i + 1 }))
    await applied(videosView, ...many)
    await silence()
    expect(other.calls).to.equal(1)
  })

  it('calls when a parked event is applied after all', async () => {
    const touchy: View = {
      ...videosView,
      evolve: (row, event) => {
        if (event.type === 'SummaryStored') throw new Error('not yet')
        return videosView.evolve(row, event)
      },
    }
    await applied(touchy, videoAdded(), summaryStored())
    await silence()
    const [mine, other] = [row(VIDEO), row(OTHER)]
    await redrive(shop.db, videosView, `video-${VIDEO}`)
    await silence()
    expect([mine.calls, other.calls]).to.deep.equal([1, 0])
  })

  it('calls everybody when a rebuilt view is swapped in', async () => {
    await applied(videosView, videoAdded())
    await silence()
    const [mine, other] = [row(VIDEO), row(OTHER)]
    await rebuild(videosView, shop)
    await silence()
    expect([mine.calls, other.calls]).to.deep.equal([1, 1])
  })

  it('calls everybody when the connection was lost', async () => {
    const [mine, note] = [row(VIDEO), views(notesView)]
    await shop.db.query(
      'cut',
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%listener' and datname = current_database()`,
    )
    await eventually(() => expect([mine.calls > 0, note.calls > 0]).to.deep.equal([true, true]))
  })

  it('looks by itself now and then, should a wake-up have been lost', async () => {
    const uneasy = openChanges(shop.listener, { safetyNetMs: 1 })
    let calls = 0
    const stop = uneasy.onRow(videosView, VIDEO, () => calls++)
    await eventually(() => expect(calls).to.be.greaterThan(2))
    stop()
    uneasy.close()
  })

  it('forgets who has stopped, also when told twice', async () => {
    const watchers = [row(VIDEO), row(VIDEO), row(OTHER), views(videosView, notesView)]
    expect(changes.subscribers()).to.equal(4)
    for (const { stop } of [...watchers, ...watchers]) stop()
    expect(changes.subscribers()).to.equal(0)
    const again = row(VIDEO)
    watchers[0]!.stop()
    await applied(videosView, videoAdded(), metadataStored())
    await silence()
    expect([again.calls, changes.subscribers()]).to.deep.equal([1, 1])
    expect(watchers.map(({ calls }) => calls)).to.deep.equal([0, 0, 0, 0])
  })
})
