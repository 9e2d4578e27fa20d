import { expect } from 'chai'
import type { NewEvent, Recorded } from '#events/kit/envelope.ts'
import type { Reader } from '#platform/log/port.ts'
import type { Row } from '#projections/engine/fold.ts'
import type { Ended, Replay } from '#projections/engine/fold-history.ts'
import { replay } from '#projections/engine/replay.ts'
import type { View } from '#projections/engine/view.ts'
import { notesView } from '#projections/notes.ts'
import { noteCreated, noteDeleted, noteEdited } from '#test/kit/histories.ts'
import { recordedAs } from '#test/kit/world.ts'

const BATCH = 10
const NOTES = 200

/** A history as a log reads it stream after stream, in batches. */
function openHistory(events: readonly NewEvent[]) {
  let read = 0
  let fails: Error | undefined
  const versions = new Map<string, number>()
  const recorded: Recorded[] = events.map((event, i) => {
    const version = (versions.get(event.stream) ?? 0) + 1
    versions.set(event.stream, version)
    return recordedAs(event, { pos: i + 1, version })
  })
  const streams = [...Map.groupBy(recorded, ({ stream }) => stream).values()].flat()
  const reader: Pick<Reader, 'historyByStream' | 'history'> = {
    async historyByStream(_, take) {
      for (let at = 0; at < streams.length; at += BATCH) {
        if (fails && at >= NOTES / 2) throw fails
        read = at + BATCH
        await take(streams.slice(at, at + BATCH))
      }
      return true
    },
    history: () => Promise.reject(new Error('read by position')),
  }
  return {
    reader: reader as Reader,
    last: recorded.length,
    read: () => read,
    failHalfWay: (error: Error) => {
      fails = error
    },
  }
}

const created = Array.from({ length: NOTES }, (_, i) => noteCreated({ noteId: i + 1 }))
const edited = Array.from({ length: NOTES }, (_, i) => noteEdited({ noteId: i + 1, text: `edited ${i + 1}` }))

/** A replay of a view, and the rows that were taken from it. */
function replayOf(upTo: number, more: Partial<Replay> = {}) {
  const rows: Row[] = []
  const one: Replay = {
    view: notesView,
    upTo: new Map([[0, upTo]]),
    async take(portions) {
      for await (const portion of portions) rows.push(...portion)
    },
    ...more,
  }
  return { rows, replay: one }
}
const messageOf = (ended: Ended) => (ended?.error as Error | undefined)?.message

describe('a replay stream after stream (P6)', () => {
  it('makes the rows of whole streams, whatever lies between their events', async () => {
    const { reader, last } = openHistory([...created, ...edited, noteDeleted({ noteId: 7 })])
    const { rows, replay: one } = replayOf(last)
    expect(await replay(reader, [one])).to.deep.equal([undefined])
    expect(rows.map(({ note_id, text }) => [note_id, text])).to.have.deep.members(
      created.map((_, i) => [i + 1, `edited ${i + 1}`]).filter(([id]) => id !== 7),
    )
  })

  it('folds each view as far as it is to be folded', async () => {
    const { reader, last } = openHistory([...created, ...edited])
    const [all, before, none] = [replayOf(last), replayOf(NOTES), replayOf(0)]
    await replay(reader, [all.replay, before.replay, none.replay])
    expect(all.rows.every(({ text }) => String(text).startsWith('edited'))).to.equal(true)
    expect(before.rows).to.have.length(NOTES)
    expect(before.rows.some(({ text }) => String(text).startsWith('edited'))).to.equal(false)
    expect(none.rows).to.deep.equal([])
  })

  it('hands rows over while it reads, and reads no further than a few portions ahead of who takes them', async () => {
    const history = openHistory(created)
    const begun = Promise.withResolvers<number>()
    const goOn = Promise.withResolvers<void>()
    const taken: Row[] = []
    const { replay: one } = replayOf(history.last, {
      async take(portions) {
        for await (const portion of portions) {
          begun.resolve(history.read())
          await goOn.promise
          taken.push(...portion)
        }
      },
    })
    const done = replay(history.reader, [one])
    expect(await begun.promise).to.be.below(NOTES / 2)
    await new Promise((resolve) => setImmediate(resolve))
    expect(history.read()).to.be.below(NOTES / 2)
    goOn.resolve()
    expect(await done).to.deep.equal([undefined])
    expect(taken).to.have.length(NOTES)
  })

  it('goes on with the others when one view ends: by an event, by who takes its rows, or cancelled', async () => {
    const { reader, last } = openHistory(created)
    const cannot: View = {
      ...notesView,
      evolve: () => {
        throw new Error('no idea')
      },
    }
    const whole = replayOf(last)
    const ended = await replay(reader, [
      replayOf(last, { view: cannot }).replay,
      replayOf(last, { take: () => Promise.reject(new Error('table full')) }).replay,
      replayOf(last, {
        onRead() {
          throw new Error('cancelled')
        },
      }).replay,
      whole.replay,
    ])
    expect(messageOf(ended[0])).to.match(/^view notes cannot apply NoteCreated .*no idea$/)
    expect(ended.slice(1).map(messageOf)).to.deep.equal(['table full', 'cancelled', undefined])
    expect(whole.rows).to.have.length(NOTES)
  })

  for (const turns of [0, 1, 20])
    it(`ends when who takes the rows stops half way, and says so ${turns} turns later`, async () => {
      const { reader, last } = openHistory(created)
      const { replay: one } = replayOf(last, {
        async take(portions) {
          for await (const _ of portions) break
          for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
          throw new Error('table full')
        },
      })
      expect((await replay(reader, [one])).map(messageOf)).to.deep.equal(['table full'])
    })

  it('fails when rows are left over', async () => {
    const { reader, last } = openHistory(created)
    const { replay: one } = replayOf(last, {
      async take(portions) {
        for await (const _ of portions) break
      },
    })
    expect((await replay(reader, [one])).map(messageOf)).to.deep.equal(['not all rows of notes were taken'])
  })

  it('stops reading when all views have ended', async () => {
    const history = openHistory(created)
    const one = replayOf(history.last, { take: () => Promise.reject(new Error('table full')) }).replay
    expect((await replay(history.reader, [one, one])).map(messageOf)).to.deep.equal(['table full', 'table full'])
    expect(history.read()).to.be.below(NOTES)
  })

  it('fails with the error of the log, which ends who takes the rows', async () => {
    const history = openHistory(created)
    history.failHalfWay(new Error('log gone'))
    let ended: unknown
    const { replay: one } = replayOf(history.last, {
      async take(portions) {
        try {
          for await (const _ of portions);
        } catch (error) {
          ended = error
          throw error
        }
      },
    })
    const failed = await replay(history.reader, [one]).catch((error) => error)
    expect([failed, ended].map((error) => (error as Error).message)).to.deep.equal(['log gone', 'log gone'])
  })
})
