import { expect } from 'chai'
import { deciders } from '#events/catalog.ts'
import { command, nothing } from '#events/kit/command.ts'
import { world } from '#test/kit/world.ts'

describe('the ids that commands draw', () => {
  it('keep their names: under another name a sequence would begin with 1 again', () =>
    expect(deciders.flatMap(({ ids }) => ids)).to.include.members([
      'user',
      'video',
      'note',
      'task',
      'conversation',
      'message',
      'media',
    ]))

  it('belong to one decider each', () => {
    const ids = deciders.flatMap((decider) => decider.ids)
    expect(ids).to.deep.equal([...new Set(ids)])
  })

  it('are all declared: the model of the log executes no command that draws another one', () => {
    const sing = command({ name: 'sing', reads: {}, ids: ['song'], decide: (_, { ids }) => nothing(ids.song) })
    expect(() => world().execute(sing)).to.throw('no decider declares the id song: it has no sequence')
  })
})
