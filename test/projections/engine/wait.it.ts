import { expect } from 'chai'
import { applier } from '#projections/engine/apply.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveOf } from '#projections/engine/table.ts'
import { openWaiter, type Waiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import { notesView } from '#projections/notes.ts'
import { noteCreated, noteEdited } from '#test/kit/histories.ts'
import { type Workshop, workshop } from '../workshop.ts'

const all = Array.from({ length: notesView.topic.partitions }, (_, partition) => partition)

describe('waiting until a write is visible (P5)', () => {
  let shop: Workshop
  let waiter: Waiter
  before(async () => {
    shop = await workshop()
    await setupViews(views, shop)
    waiter = openWaiter(shop.db, shop.listener, views)
  })
  after(async () => {
    waiter.close()
    await shop.close()
  })

  const owner = async () => {
    const own = applier(shop.db, liveOf(notesView))
    await own.resume(all)
    return own
  }

  it('ends when the view has it, and not before', async () => {
    const own = await owner()
    const [first, second] = await shop.record(noteCreated(), noteEdited({ text: 'x' }))
    const states: string[] = []
    const seen = waiter.visible(['notes'], [second!], 20_000).then((visible) => states.push(`visible ${visible}`))
    await own.handle([first!])
    expect(await waiter.visible(['notes'], [first!], 20_000)).to.equal(true)
    states.push('first applied')
    await own.handle([second!])
    states.push('second applied')
    await seen
    expect(states[0]).to.equal('first applied')
    expect(states).to.include('visible true')
  })

  it('is over at once for what is there already, and for topics that the views do not follow', async () => {
    const [event] = await shop.record(noteEdited({ text: 'y' }))
    await (await owner()).handle([event!])
    await waiter.visible(['notes'], [event!], 20_000)
    expect(await waiter.visible(['notes'], [event!], 0)).to.equal(true)
    expect(await waiter.visible(['users', 'videos'], [event!, { topic: 'elsewhere', partition: 0, pos: 9 }], 0)).to.equal(true)
  })

  it('says so when it took too long', async () => {
    const [event] = await shop.record(noteEdited({ text: 'z' }))
    expect(await waiter.visible(['notes'], [event!], 1)).to.equal(false)
    expect(await waiter.visible(['notes', 'user-videos'], [event!], 1)).to.equal(false)
  })

  it('needs no wake-up: it looks by itself while somebody waits', async () => {
    const [event] = await shop.record(noteEdited({ text: 'silent' }))
    const seen = waiter.visible(['notes'], [event!], 20_000)
    await shop.db.query('silently', 'update log.checkpoints set pos = $1 where consumer = $2 and partition = $3', [
      event!.pos,
      'notes',
      event!.partition,
    ])
    expect(await seen).to.equal(true)
  })

  it('knows where the views stand when the process starts', async () => {
    const [event] = await shop.record(noteEdited({ text: 'before' }))
    await (await owner()).handle([event!])
    const late = openWaiter(shop.db, shop.listener, views)
    expect(await late.visible(['notes'], [event!], 20_000)).to.equal(true)
    late.close()
  })
})
