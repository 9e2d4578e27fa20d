import { expect } from 'chai'
import { client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { startLoad } from '#test/kit/ledger.ts'
import { startStack } from '#test/kit/stack.ts'

describe('P12: stopping', function () {
  this.timeout(90_000)

  it('cuts no request and half-applies no batch: every command is answered or refused, and all answered ones are there', async () => {
    const stack = await startStack()
    const load = await startLoad({ url: stack.url, clients: 8 })
    const before = load.answered()
    await eventually(() => expect(load.answered()).to.be.greaterThan(before + 50))

    // Watch single requests through the stop: each must be answered whole, or not have been accepted at all.
    const person = await newUser(stack.url)
    const cut: unknown[] = []
    let watching = true
    const watcher = (async () => {
      while (watching) {
        try {
          const { status } = await person.call('POST', '/v2/videos/dQw4w9WgXcQ/notes', { timestamp: '0:43', text: 'x' })
          expect(status).to.equal(201)
        } catch (error) {
          const { cause } = error as { cause?: { code?: string } }
          if (cause?.code !== 'ECONNREFUSED') cut.push(error)
        }
      }
    })()
    for (const name of ['api', 'projector', 'fetch-scheduler']) {
      await stack.signal(name, 'SIGTERM')
      await eventually(() =>
        expect(
          stack.output.some((line) => line.startsWith(`${name} ended with code 0`)),
          stack.output.join('\n'),
        ).to.equal(true),
      )
    }
    // The supervisor starts them again: it goes on where it stopped.
    await eventually(async () => expect((await client(stack.url).call('GET', '/health')).status).to.equal(200))
    watching = false
    await watcher
    await load.stop()
    await eventually(() => load.audit())
    await stack.stop()
    expect(cut.map((error) => String((error as Error).cause ?? error))).to.deep.equal([])
  })
})
