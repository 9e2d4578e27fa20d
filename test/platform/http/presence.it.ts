import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { open, written } from './raw.ts'
import { smallApp } from './small-app.ts'

describe('a route that knows whether somebody waits for its answer', () => {
  it('may answer with nothing', async () => {
    const app = await smallApp()
    const answer = await app.ask('GET', '/nothing')
    expect([answer.status, answer.body]).to.deep.equal([204, ''])
    expect([answer.header('content-type'), answer.header('content-length')]).to.deep.equal([undefined, undefined])
    expect(answer.header('referrer-policy')).to.equal('strict-origin-when-cross-origin')
    await app.close()
  })

  it('is told when the client leaves', async () => {
    const app = await smallApp()
    const connection = await open(app.port)
    connection.write(written('GET', '/patience'))
    await app.entered
    connection.socket.destroy()
    await eventually(() => expect(app.lines.join()).to.contain('"aborted":true'))
    await app.close()
  })

  it('is told when the server is stopping, and can still answer (P12)', async () => {
    const app = await smallApp({}, { lingerMs: 0 })
    const waiting = app.ask('GET', '/patience')
    await app.entered
    await app.close()
    expect((await waiting).body).to.equal('{"waited":true}')
  })

  it('is told when its answer came too late', async () => {
    const app = await smallApp()
    const connection = await open(app.port)
    connection.write(written('GET', '/precious'))
    await app.entered
    connection.socket.destroy()
    await eventually(() => expect(app.lines.join()).to.contain('"aborted":true'))
    app.openGate()
    await app.undelivered
    await app.close()
  })

  it('is not told of an answer that arrived', async () => {
    const app = await smallApp()
    app.openGate()
    let wasTold = false
    void app.undelivered.then(() => {
      wasTold = true
    })
    expect((await app.ask('GET', '/precious')).body).to.equal('{"precious":true}')
    await app.close()
    expect(wasTold).to.equal(false)
  })
})

describe('the measure of requests', () => {
  const measured = async (act: (app: Awaited<ReturnType<typeof smallApp>>) => Promise<void>) => {
    const figures: unknown[] = []
    const app = await smallApp({ measure: ({ method, route }, status) => figures.push([method, route, status]) })
    await act(app)
    await app.close()
    return figures
  }

  it('has each of them once, by the pattern of its route', async () =>
    expect(
      await measured(async ({ ask }) => {
        for (const path of ['/plain', '/segment/a', '/nowhere', '/plain/', '/crash', '/nothing']) await ask('GET', path)
      }),
    ).to.deep.equal([
      ['GET', '/plain', 200],
      ['GET', '/segment/:name', 200],
      ['GET', undefined, 404],
      ['GET', '/plain', 307],
      ['GET', '/crash', 500],
      ['GET', '/nothing', 204],
    ]))

  it('has who left before the answer once as well, without a status', async () =>
    expect(
      await measured(async (app) => {
        const connection = await open(app.port)
        connection.write(written('GET', '/patience'))
        await app.entered
        connection.socket.destroy()
        await eventually(() => expect(app.lines.join()).to.contain('"aborted":true'))
      }),
    ).to.deep.equal([['GET', '/patience', undefined]]))
})
