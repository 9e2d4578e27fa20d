import { expect } from 'chai'
import { catalog, deciders } from '#events/catalog.ts'
import { createNote } from '#events/note.ts'
import { topics } from '#events/topics.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'
import { idOf, type TracedHere, traceHere, traceparentOf } from '#test/kit/tracing.ts'

const CLIENTS = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

describe('the trace of an event', () => {
  let database: TestDatabase
  let db: Db
  let traced: TracedHere | undefined
  before(async () => {
    database = await freshDatabase()
    db = openDb(database.url, { max: 2 })
  })
  afterEach(() => {
    traced?.stop()
    traced = undefined
  })
  after(async () => {
    await db?.close()
    await database?.drop()
  })

  /** Takes so many notes at once, as one client, and gives the trace that each event has. */
  async function taken(count: number): Promise<(string | null)[]> {
    const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
    const videoId = 'dQw4w9WgXcQ'
    const executed = await Promise.all(
      Array.from({ length: count }, () =>
        execute(createNote({ videoId, userId: 1, timestamp: '1:23', text: 'hello' }), {
          actor: 'user-1',
          correlationId: null,
          traceparent: CLIENTS,
        }),
      ),
    )
    const at = executed.map(({ positions }) => positions.at(-1)!.pos)
    const rows = await db.query<{ traceparent: string | null }>(
      't.traces',
      'select traceparent from log.events where pos = any ($1) order by pos',
      [at],
    )
    return rows.map(({ traceparent }) => traceparent)
  }

  it("is the client's when nobody traces", async () => expect(await taken(1)).to.deep.equal([CLIENTS]))

  it('is that of the command which made it when somebody does', async () => {
    traced = traceHere()
    const [traceparent] = await taken(1)
    const spans = await traced.spans()
    const [execute, append] = ['execute createNote', 'append'].map((name) => spans.find((span) => span.name === name)!)
    expect(traceparent).to.equal(traceparentOf(execute!))
    expect(append!.parentSpanContext!.spanId).to.equal(idOf(execute!))
    expect(append!.attributes).to.deep.equal({ 'db.system.name': 'postgresql', 'vidwiz.commands': 1 })
  })

  it('is its own among commands that were appended together, and the append is linked to each', async () => {
    traced = traceHere()
    const traces = await taken(3)
    const spans = await traced.spans()
    const commands = spans.filter(({ name }) => name === 'execute createNote')
    expect(traces.toSorted()).to.deep.equal(commands.map(traceparentOf).toSorted())
    expect(new Set(traces).size).to.equal(3)
    const append = spans.find(({ name, attributes }) => name === 'append' && attributes['vidwiz.commands'] === 3)!
    expect(append.parentSpanContext).to.equal(undefined)
    expect(append.links.map(({ context }) => context.spanId).toSorted()).to.deep.equal(commands.map(idOf).toSorted())
  })
})
