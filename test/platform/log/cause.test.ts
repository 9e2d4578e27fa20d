import { expect } from 'chai'
import pg from 'pg'
import { EventError } from '#events/kit/codec.ts'
import { causeOf, patternOf } from '#platform/log/cause.ts'
import { Rejected } from '#platform/log/commands/contract.ts'
import { Unable } from '#platform/log/reactor/caused-commands.ts'

const root = 'file:///srv/vidwiz/'

/** An error with frames as V8 writes them. */
const thrownAt = (error: Error, ...frames: string[]) =>
  Object.assign(error, { stack: [`${error.name}: ${error.message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n') })

const refusal = (code: string, message = 'refused') => {
  const error = new pg.DatabaseError(message, message.length, 'error')
  return Object.assign(error, { code, severity: 'ERROR' })
}

describe('the cause of a dead letter (P8)', () => {
  const kinds: [string, unknown, string][] = [
    ['an error without a code', new TypeError('x is not a function'), 'TypeError'],
    [
      'one of ours with a code',
      new EventError('UNKNOWN_TYPE', 'note-1@1: no event is called NoteSung'),
      'EventError UNKNOWN_TYPE',
    ],
    ['a refusal of Postgres', refusal('22P05'), 'Postgres 22P05 untranslatable_character'],
    ['a refusal of Postgres that has no name here', refusal('22999'), 'Postgres 22999'],
    ['an error of the system', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'Error ECONNREFUSED'],
    ['what wraps another', new Unable('editNote: no', { cause: new Rejected('NOT_FOUND', 'no') }), 'Rejected NOT_FOUND'],
    ['a name that is none', Object.assign(new Error('x'), { name: 'my secret: 42' }), 'Error'],
    ['a code that is none', Object.assign(new Error('x'), { code: 'sk-1234 is wrong' }), 'Error'],
    ['something thrown that is no error', 'a secret', 'not an Error'],
  ]
  for (const [what, error, kind] of kinds) it(`is told by kind: ${what}`, () => expect(causeOf(error).error).to.equal(kind))

  it('names the first place inside the project, without the folder it lies in', () => {
    const error = thrownAt(
      new Error('x'),
      'JSON.parse (<anonymous>)',
      'parse (file:///srv/vidwiz/node_modules/zod/index.js:12:3)',
      'Object.evolve (file:///srv/vidwiz/projections/notes.ts:61:13)',
      'fold (file:///srv/vidwiz/projections/engine/fold.ts:51:26)',
    )
    expect(causeOf(error, undefined, root).place).to.equal('projections/notes.ts:61')
  })

  it('passes over where all statements run', () => {
    const error = thrownAt(
      refusal('22P05'),
      '/srv/vidwiz/node_modules/pg/lib/client.js:1:1',
      'async file:///srv/vidwiz/platform/pg/pool.ts:66:19',
      'async write (file:///srv/vidwiz/projections/engine/write.ts:71:3)',
    )
    expect(causeOf(error, undefined, root).place).to.equal('projections/engine/write.ts:71')
  })

  it('takes the place of the innermost error that has one', () => {
    const inner = thrownAt(new Error('x'), 'somewhere (file:///elsewhere/x.js:1:1)')
    const outer = thrownAt(new Unable('x', { cause: inner }), 'read (file:///srv/vidwiz/platform/log/reactor/reacting.ts:48:13)')
    expect(causeOf(outer, undefined, root).place).to.equal('platform/log/reactor/reacting.ts:48')
  })

  it('has no place when it comes from elsewhere', () => {
    expect(causeOf(thrownAt(new Error('x'), 'f (node:internal/fs:1:1)'), undefined, root).place).to.equal(null)
    expect(causeOf('not an error').place).to.equal(null)
  })

  it('ends, also for an error that names itself as its cause', () => {
    const error = new Error('round')
    error.cause = error
    expect(causeOf(error).message).to.equal('round')
  })

  it('finds the place of a real error', () => {
    expect(causeOf(new Error('here')).place).to.match(/^test\/platform\/log\/cause\.test\.ts:\d+$/)
  })

  const patterns: [string, string][] = [
    ['note-42@3: no event is called NoteSung', '<stream>: no event is called NoteSung'],
    ['video-dQw4w9WgXcQ@17: VideoAdded v1: title too_big', '<stream>: VideoAdded v#: title too_big'],
    ['cannot stand "bad"', 'cannot stand "…"'],
    ['invalid input syntax for type bigint: "12x"', 'invalid input syntax for type bigint: "…"'],
    ['job 01890a5d-ac96-774b-bcce-b302099a8057 is\n gone after 30 s', 'job # is gone after # s'],
    ['x'.repeat(5_000), 'x'.repeat(200)],
  ]
  for (const [message, pattern] of patterns)
    it(`reads alike for all events: ${message.slice(0, 50)}`, () => expect(patternOf(message)).to.equal(pattern))

  it('never has text of the payload in its kind, its place or its pattern', () => {
    const data = JSON.stringify({ note: { text: 'my PIN is secret', tags: ['secret', 'private matter'] } })
    const error = new Error('cannot stand my PIN is secret, nor private matter nor secret')
    const { message, ...shown } = causeOf(error, data)
    expect(message).to.contain('PIN')
    expect(JSON.stringify(shown)).not.to.match(/PIN|secret|private/)
    expect(shown.pattern).to.equal('cannot stand …, nor … nor …')
  })

  it('is told of a payload that is not JSON as well', () => {
    expect(causeOf(new Error('broken'), '{"x').pattern).to.equal('broken')
  })
})
