import { expect } from 'chai'
import { openSpell } from '#platform/telemetry/spell.ts'

describe('a spell of failures', () => {
  function watched() {
    const lines: { at: number; what: string; fields: Record<string, unknown> }[] = []
    const clock = { ms: 0 }
    let due: { work: () => void; at: number } | undefined
    /** Lets time pass. */
    const pass = (ms: number) => {
      clock.ms += ms
      if (due && due.at <= clock.ms) due.work()
    }
    const later = (work: () => void, ms: number) => {
      due = { work, at: clock.ms + ms }
      return () => {
        due = undefined
      }
    }
    const log = (fields: object, what: string) =>
      void lines.push({ at: clock.ms / 1_000, what, fields: fields as Record<string, unknown> })
    const spell = openSpell({ warn: log, info: log } as never, { topic: 't' }, { now: () => clock.ms, later })
    return { lines, clock, pass, spell }
  }

  it('is told at once, then ever more seldom: an hour of it is a dozen lines', () => {
    const { lines, clock, spell } = watched()
    for (; clock.ms <= 3_600_000; clock.ms += 5_000) spell.failed(new Error(`away for ${clock.ms} ms`))
    expect(lines.map(({ at }) => at)).to.deep.equal([0, 10, 30, 70, 150, 310, 630, 1270, 2170, 3070])
    expect(lines[0]).to.deep.include({ what: 'paused' })
    expect(lines[9]!.fields).to.deep.include({ topic: 't', failures: 615, seconds: 3070 })
  })

  it('is told when it is over, once', () => {
    const { lines, clock, spell } = watched()
    spell.worked()
    spell.failed(new Error('away'))
    clock.ms = 7_000
    spell.worked()
    spell.worked()
    expect(lines.map(({ what, fields }) => [what, fields.seconds])).to.deep.equal([
      ['paused', undefined],
      ['resumed', 7],
    ])
  })

  it('is told at once when its cause changes', () => {
    const { lines, clock, spell } = watched()
    for (const cause of ['away', 'away', 'no such queue', 'no such queue']) {
      clock.ms += 1_000
      spell.failed(new Error(cause))
    }
    expect(lines.map(({ at }) => at)).to.deep.equal([1, 3])
  })

  it('is over when nothing fails for 30 s after it resumed, though there is nothing to work on', () => {
    const { lines, pass, spell } = watched()
    spell.resumed()
    spell.failed(new Error('away'))
    spell.resumed()
    pass(29_000)
    spell.failed(new Error('away'))
    pass(60_000)
    spell.resumed()
    pass(29_000)
    expect(lines.filter(({ what }) => what === 'resumed')).to.deep.equal([])
    pass(1_000)
    expect(lines.at(-1)).to.deep.include({ at: 119, what: 'resumed', fields: { topic: 't', failures: 2, seconds: 119 } })
    pass(60_000)
    expect(lines.filter(({ what }) => what === 'resumed')).to.have.length(1)
  })

  it('begins again after it was over', () => {
    const { lines, spell } = watched()
    for (let n = 0; n < 2; n++) {
      spell.failed(new Error('away'))
      spell.worked()
    }
    expect(lines.map(({ what }) => what)).to.deep.equal(['paused', 'resumed', 'paused', 'resumed'])
  })
})
