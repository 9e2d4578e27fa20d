import { expect } from 'chai'
import { catchUp, differences } from '#platform/log/kafka/move.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { topic, write } from '#test/conformance/log/groups.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { type Workbench, workbench } from './workbench.ts'

describe('moving the log to Kafka', () => {
  let bench: Workbench
  before(function () {
    return kafkaBrokers(this)
  })
  beforeEach(async () => {
    bench = await workbench()
  })
  afterEach(() => bench.close())

  const move = () => catchUp({ ...bench.options, db: bench.db, listener: bench.listener, topics: [topic], onProgress: () => {} })
  const compare = (upTo: number) => differences([topic], postgresReader(bench.db, bench.listener), bench.reader(), upTo, () => {})

  it('comes to an end while services write, and does not miss in Kafka what they wrote since', async () => {
    await write(bench.writer, 'thing-1', 0, 50)
    let writing = true
    const load = (async () => {
      while (writing) await write(bench.writer, 'thing-2', 0, 5)
    })()
    const moved = await move()
    writing = false
    await load
    await write(bench.writer, 'thing-1', 0, 5)
    expect(moved.pos).to.be.at.least(50)
    expect(await compare(moved.pos)).to.deep.include({ different: 0, sentences: [] })
  })

  it('counts all events that Kafka lacks or has otherwise, and names the first of them', async () => {
    await write(bench.writer, 'thing-1', 0, 30)
    const { pos } = await move()
    await bench.db.query('change', "update log.events set actor = 'somebody'")
    const found = await compare(pos)
    expect([found.compared, found.different, found.sentences.length]).to.deep.equal([30, 30, 20])
    expect(found.sentences[0]).to.match(/position 1: actor differ$/)
  })
})
