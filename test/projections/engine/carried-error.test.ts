import { expect } from 'chai'
import pg from 'pg'
import { LogHalted } from '#platform/log/timeline.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { ConnectionLost, codeOf, isUnavailable } from '#platform/pg/errors.ts'
import { ReplayStopped } from '#projections/engine/replay-stopped.ts'
import { carried, carry } from '#projections/engine/threads/carried-error.ts'
import { notesView } from '#projections/notes.ts'

/** As between threads. */
const sent = (error: unknown) => carried(structuredClone(carry(error)))

describe('an error that a thread sends', () => {
  it('arrives with its class, message, name, stack and cause', () => {
    const error = new ReplayStopped(notesView, 'cannot apply this', new TypeError('no text'))
    const arrived = sent(error)
    expect(arrived).to.be.instanceOf(ReplayStopped)
    for (const field of ['message', 'name', 'stack'] as const) expect(arrived[field]).to.equal(error[field])
    expect(arrived.cause).to.include({ name: 'TypeError', message: 'no text' })
  })

  it('still says whether the database can be used', () => {
    const full = Object.assign(new pg.DatabaseError('disk full', 1, 'error'), { code: '53100' })
    expect(isUnavailable(sent(full))).to.equal(true)
    expect(codeOf(sent(full))).to.equal('53100')
    expect(isUnavailable(sent(new ConnectionLost(new Error('timeout expired'))))).to.equal(true)
    expect(isUnavailable(sent(new Error('another one')))).to.equal(false)
  })

  it('is one that a person can fix if it was one, with the name of its kind', () => {
    const halted = new LogHalted('it ends too early')
    expect(sent(halted)).to.be.instanceOf(OperatorError)
    expect(sent(halted)).to.include({ name: 'LogHalted', message: halted.message })
  })

  it('is an error also when something else was thrown', () =>
    expect(sent('so much for that').message).to.equal('so much for that'))
})
