import { expect } from 'chai'
import { inWords, isForTerminal } from '#services/stack/logs.ts'

const line = (fields: object) => JSON.stringify({ level: 'info', time: 't', service: 's', ...fields })

describe('the lines of a part, in the terminal', () => {
  it('are shown when something goes wrong, and when they are no log lines at all', () => {
    expect(isForTerminal(line({ level: 'warn', msg: 'paused' }))).to.equal(true)
    expect(isForTerminal('Error: it broke')).to.equal(true)
    expect(isForTerminal(line({ msg: 'ready' }))).to.equal(false)
  })

  it('say in words what they are about, of a part that tells of its work', () => {
    expect(inWords(line({ msg: 'fetching numpy, 16.9 MB' }))).to.equal('fetching numpy, 16.9 MB')
    expect(inWords(line({ messageId: 'm', video: 'dQw4w9WgXcQ', msg: 'study done' }))).to.equal('study done (dQw4w9WgXcQ)')
    expect(inWords(line({}))).to.equal('')
  })
})
