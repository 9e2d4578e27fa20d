import { expect } from 'chai'
import { catalog, deciders } from '#events/catalog.ts'
import { command, emit } from '#events/kit/command.ts'
import { topics } from '#events/topics.ts'
import { videos } from '#events/video.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { openDb } from '#platform/pg/pool.ts'
import { newUser } from '#test/kit/client.ts'
import { metadataStored, summaryStored, transcriptStored, VIDEO } from '#test/kit/histories.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'
import { written } from '#test/platform/http/raw.ts'
import { END, type Stream, watch } from '#test/services/api/routes/watch.ts'

describe('streams of a system with two APIs', function () {
  this.timeout(120_000)
  const GUEST = { 'X-Guest-Session-ID': 'a guest' }
  const stacks: Stack[] = []
  before(async () => {
    const database = await freshDatabase()
    for (let i = 0; i < 2; i++) stacks.push(await startStack({}, { database }))
  })
  after(async () => {
    for (const stack of stacks) await stack.stop()
  })

  it('tell the same, wherever the client is and whatever is killed; a stop ends them in order', async () => {
    const db = openDb(stacks[0]!.databaseUrl)
    const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
    const happened = (event: Parameters<typeof emit>[0][number]) =>
      execute(command({ name: 'happened', reads: { video: videos.of(VIDEO) }, decide: () => emit([event], {}) }), {
        actor: null,
        correlationId: null,
      })
    const person = await newUser(stacks[0]!.url)
    await person.call('POST', `/v2/videos/${VIDEO}/notes`, { timestamp: '0:01' })

    const streams: Stream[] = []
    for (let i = 0; i < 10; i++) streams.push(await watch(stacks[i % 2]!.url, VIDEO, GUEST))
    for (const stream of streams) expect(await stream.told(1)).to.deep.equal(['snapshot ---'])
    await happened(metadataStored())
    for (const stream of streams) expect(await stream.told(1)).to.deep.equal(['update m--'])

    // The other system's projector takes over.
    await stacks[0]!.signal('projector', 'SIGKILL')
    await happened(transcriptStored())
    for (const stream of streams) expect(await stream.told(1)).to.deep.equal(['update mt-'])

    const [second] = stacks.splice(1)
    const stopped = second!.stop()
    for (const [i, stream] of streams.entries()) if (i % 2 === 1) expect(await stream.next()).to.equal(END)
    await happened(summaryStored())
    for (const [i, stream] of streams.entries())
      if (i % 2 === 0) {
        expect(await stream.told(3)).to.deep.equal(['update mts', 'done mts', END])
        stream.connection.write(written('GET', '/health'))
        expect((await stream.connection.answer()).status).to.equal(200)
        stream.connection.socket.destroy()
      }
    await stopped
    expect(second!.output.filter((line) => line.includes('did not stop'))).to.deep.equal([])
    await idle()
    await db.close()
  })
})
