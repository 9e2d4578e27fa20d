import { expect } from 'chai'
import { program } from '#services/cli/program.ts'

describe('the command line', () => {
  it('loads the module of the command that is called, and no other', async () => {
    const all = (await program()).commands.map((command) => command.name())
    expect(all).to.include.members(['start', 'lag', 'skip', 'log'])
    for (const name of all) {
      const loaded = (await program(name)).commands.map((command) => command.name())
      expect(loaded).to.include(name)
      expect(loaded.length, name).to.be.below(4)
    }
    expect((await program('lagg')).commands).to.have.length(all.length)
  })
})
