import { hostname } from 'node:os'
import { expect } from 'chai'
import { isOwnProcess, runsService } from '#services/operations/own-process.ts'

const ours = (line: string, service = 'ai-notes') => runsService(line.split(' '), service)

describe('a process that may be killed', () => {
  it('is one of ours that runs the very service', () => {
    expect(ours('/usr/bin/node --disable-warning=ExperimentalWarning /srv/vidwiz/services/process.ts ai-notes')).to.equal(true)
    expect(ours('node services/process.ts fetch-scheduler,ai-notes,summaries')).to.equal(true)
    expect(ours('/usr/bin/node /srv/vidwiz/services/cli/main.ts run ai-notes,summaries')).to.equal(true)
    expect(ours('node services/cli/main.ts run --timeout 3 ai-notes')).to.equal(true)
  })

  it('is none of ours that runs something else, or says the name in passing', () => {
    expect(ours('node services/process.ts projector')).to.equal(false)
    expect(ours('node services/process.ts ai-notes-of-old')).to.equal(false)
    expect(ours('node services/cli/main.ts relieve ai-notes')).to.equal(false)
    expect(ours('node services/cli/main.ts start')).to.equal(false)
  })

  it('is no stranger', () => {
    expect(ours('postgres: vidwiz ai-notes')).to.equal(false)
    expect(ours('less services/process.ts.log ai-notes')).to.equal(false)
    expect(ours('node /srv/otherservices/process.ts ai-notes')).to.equal(false)
    expect(runsService([], 'ai-notes')).to.equal(false)
  })

  it('is none of another host, none that has ended, and not the one that asks', async () => {
    const service = 'projector'
    expect(await isOwnProcess({ host: `not-${hostname()}`, pid: process.pid, service })).to.equal(false)
    expect(await isOwnProcess({ host: hostname(), pid: 2 ** 30, service })).to.equal(false)
    expect(await isOwnProcess({ host: hostname(), pid: process.pid, service })).to.equal(false)
  })
})
