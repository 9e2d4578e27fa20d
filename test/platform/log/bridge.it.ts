import { expect } from 'chai'
import { catalog, deciders } from '#events/catalog.ts'
import { command, emit } from '#events/kit/command.ts'
import { NoteCreated, NoteDeleted } from '#events/note.ts'
import { notes as topic, topics } from '#events/topics.ts'
import { SummaryStored, videos } from '#events/video.ts'
import { letters } from '#platform/log/consumers/letters.ts'
import { changedSince } from '#platform/log/postgres/versions.ts'
import { Unable } from '#platform/log/reactor/caused-commands.ts'
import { reacting } from '#platform/log/reactor/reacting.ts'
import { bridge } from '#platform/log/reactor/reactor.ts'
import { noteCreated, noteDeleted, VIDEO } from '#test/kit/histories.ts'
import { type Workshop, workshop } from '#test/projections/workshop.ts'

const all = Array.from({ length: topic.partitions }, (_, partition) => partition)

describe('a bridge', () => {
  let shop: Workshop
  beforeEach(async () => {
    shop = await workshop()
  })
  afterEach(() => shop.close())

  const write = (line: string) =>
    command({
      name: 'write',
      reads: { video: videos.of(VIDEO) },
      decide: () => emit([SummaryStored({ videoId: VIDEO, summary: line })], {}),
    })
  /** A bridge that owns its topic. @param tell what telling of an event means */
  async function owner(tell: (noteId: number, type: string) => void | Promise<void>) {
    const telling = bridge('telling', [NoteCreated, NoteDeleted], async (events) => {
      for (const { data, type } of events) await tell(data.noteId, type)
      return events.map(({ data, type }) => [write(`${type} ${data.noteId}`)])
    })
    const own = reacting(telling, topic, { db: shop.db, catalog, deciders, topics })
    await own.resume(all)
    return own
  }
  const record = (count: number) =>
    shop.record(...Array.from({ length: count }, (_, i) => noteCreated({ noteId: i + 1, text: null })))
  const lines = async () =>
    (
      await shop.db.query<{ data: string }>('t.lines', `select data from log.events where type = 'SummaryStored' order by pos`)
    ).map(({ data }) => JSON.parse(data).summary as string)

  it('tells of later portions while earlier ones are recorded, and records in order', async () => {
    const told: number[] = []
    const first = Promise.withResolvers<void>()
    const own = await owner(async (noteId) => {
      if (noteId === 1) await first.promise
      told.push(noteId)
      // The third portion is told, and nothing of the first.
      if (noteId === 600) first.resolve()
    })
    await own.handle(await record(700))
    expect(told.indexOf(600)).to.be.below(told.indexOf(1))
    // Not further ahead than that: so much may be told twice after a crash.
    expect(told.indexOf(601)).to.be.above(told.indexOf(1))
    expect(await lines()).to.deep.equal(Array.from({ length: 700 }, (_, i) => `NoteCreated ${i + 1}`))
  })

  it('keeps what was told in advance behind an event of its stream that is parked meanwhile (P8)', async () => {
    const told: string[] = []
    const own = await owner((noteId, type) => {
      if (noteId === 1 && type === 'NoteCreated') throw new Unable('not this one')
      told.push(`${type} ${noteId}`)
    })
    await own.handle([...(await record(300)), ...(await shop.record(noteDeleted({ noteId: 1 })))])
    expect(told).to.include('NoteDeleted 1')
    expect(await lines()).to.deep.equal(Array.from({ length: 299 }, (_, i) => `NoteCreated ${i + 2}`))
    expect((await letters(shop.db)).map(({ stream, state }) => [stream, state])).to.deep.equal([
      ['note-1', 'failed'],
      ['note-1', 'waiting'],
    ])
  })

  it('has nothing under way any more when it has failed', async () => {
    const gate = Promise.withResolvers<void>()
    let ended = false
    const own = await owner(async (noteId) => {
      if (noteId === 1) throw new Error('away')
      if (noteId !== 201) return
      await gate.promise
      ended = true
    })
    const handling = own.handle(await record(500)).catch((error) => ({ error, ended }))
    setTimeout(gate.resolve, 100)
    expect(await handling).to.deep.include({ ended: true })
    expect(await lines()).to.deep.equal([])
  })
})

describe('what has changed since', () => {
  it('are streams with newer events, also where a snapshot is all that is left of them', async () => {
    const shop = await workshop()
    await shop.record(
      noteCreated({ noteId: 1 }),
      noteDeleted({ noteId: 1 }),
      noteCreated({ noteId: 2 }),
      noteCreated({ noteId: 3 }),
    )
    await shop.db.query('t.kept', `insert into log.snapshots values ('note-2', 1, 1, '{}'), ('note-3', 1, 1, '{}')`)
    await shop.db.query('t.prune', `delete from log.events where stream = 'note-2'`)
    const changed = async (seen: Record<string, number>) =>
      [...(await changedSince(shop.db, new Map(Object.entries(seen))))].sort()
    expect(await changed({ 'note-1': 1, 'note-2': 0, 'note-3': 0, 'note-4': 1 })).to.deep.equal([
      'note-1',
      'note-2',
      'note-3',
      'note-4',
    ])
    expect(await changed({ 'note-1': 2, 'note-2': 1, 'note-3': 1, 'note-4': 0 })).to.deep.equal([])
    await shop.close()
  })
})
