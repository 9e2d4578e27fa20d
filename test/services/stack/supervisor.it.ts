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

  for (const how of ['start', 'keep'] as const)
    it(`tells once that a part gives no answer any more, and once that it answers again (${how})`, async () => {
      const file = join(folder, 'answering.mjs')
      writeFileSync(
        file,
        `process.on('message', (m) => m === 'ping' && process.send('pong')); process.on('disconnect', () => process.exit()); process.send('ready', () => console.log('is ready'))`,
      )
      const told: string[] = []
      let isReady = false
      const parts = supervisor({
        onLine: () => {
          isReady = true
        },
        onRestart: () => {},
        silentMs: 2_000,
        onSilent: (part, { pid }) => told.push(`${part} ${pid} is silent`),
        onAnswer: (part, { pid }) => told.push(`${part} ${pid} answers`),
      })
      const part = { name: 'part', file, env: process.env }
      if (how === 'start') await parts.start([part])
      else parts.keep(part)
      await eventually(() => expect(isReady).to.equal(true))
      const pid = parts.pids().part!
      try {
        for (let times = 1; times <= 2; times++) {
          process.kill(pid, 'SIGSTOP')
          await eventually(() => expect(told).to.have.length(times * 2 - 1))
          process.kill(pid, 'SIGCONT')
          await eventually(() => expect(told).to.have.length(times * 2))
        }
        const once = [`part ${pid} is silent`, `part ${pid} answers`]
        expect(told).to.deep.equal([...once, ...once])
      } finally {
        process.kill(pid, 'SIGCONT')
        await parts.stop()
      }
    })

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
