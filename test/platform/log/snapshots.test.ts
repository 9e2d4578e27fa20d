import { expect } from 'chai'
import { snapshotRows } from '#platform/log/postgres/appender.ts'

describe('states on their way to the database', () => {
  const row = (stream: string) => ({ stream, version: 1, stateVersion: 1, state: '{"n":1.0}' })

  it('come in the order of their streams, whoever keeps them: no two writers lock them in different orders', () => {
    const streams = ['note-2', 'Note-1', 'video-é', 'note-10', 'video-_a', 'video-a']
    const [one, other] = [streams, streams.toReversed()].map((some) => snapshotRows(some.map(row)))
    expect(one).to.equal(other)
    expect(JSON.parse(one!).map(({ stream }: { stream: string }) => stream)).to.deep.equal(streams.toSorted())
  })

  it('keep the very text that they were', () => {
    expect(snapshotRows([row('note-1')])).to.equal('[{"stream":"note-1","version":1,"stateVersion":1,"state":{"n":1.0}}]')
    expect(snapshotRows([])).to.equal('[]')
  })
})
