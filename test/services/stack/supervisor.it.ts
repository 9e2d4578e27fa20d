import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { supervisor } from '#services/stack/supervisor.ts'
import { eventually } from '#test/kit/eventually.ts'

describe('the supervisor', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-supervisor-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('tries again when a process cannot even be made', async () => {
    const file = join(folder, 'part.mjs')
    writeFileSync(file, `process.send('ready'); process.on('disconnect', () => process.exit())`)
    const env: NodeJS.ProcessEnv = { ...process.env }
    const why: string[] = []
    const parts = supervisor({ onLine: () => {}, onRestart: (_, reason) => why.push(reason) })
    await parts.start([{ name: 'part', file, env }])
    const first = parts.pids().part!
    env.LARGER_THAN_THE_KERNEL_TAKES = 'x'.repeat(4 * 2 ** 20)
    process.kill(first, 'SIGKILL')
    await eventually(() => expect(why.at(-1)).to.match(/E2BIG/))
    delete env.LARGER_THAN_THE_KERNEL_TAKES
    await eventually(() => expect(parts.pids().part).to.not.be.oneOf([first, undefined]))
    await parts.stop()
  })
})
