import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { notes } from '#events/topics.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { notesView } from '#projections/notes.ts'
import { onKafka } from '#test/kit/log.ts'
import { otlpReceiver, type Receiver } from '#test/kit/otlp.ts'
import { type Workshop, workshop } from '../workshop.ts'

const VIDWIZ = join(import.meta.dirname, '../../../bin/vidwiz')
const EVENTS = 100_000

describe('a traced rebuild', function () {
  this.timeout(120_000)
  let shop: Workshop
  let receiver: Receiver
  before(async function () {
    // It is of how a replay is told, wherever its events come from; to have so many on Kafka takes long.
    if (onKafka) this.skip()
    receiver = await otlpReceiver()
    shop = await workshop()
    await setupViews([notesView], shop)
    await shop.db.query(
      't.seed',
      `insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, traceparent, data)
       select n, '${notes.name}', n % ${notes.partitions}, 'video00000' || n % 10, 'note-' || n, 1, gen_random_uuid(), 'NoteCreated', 1, 1767225600000 + n,
              '00-' || lpad(to_hex(n), 32, 'a') || '-' || lpad(to_hex(n), 16, 'b') || '-01',
              json_build_object('noteId', n, 'videoId', 'video00000' || n % 10, 'userId', 1, 'timestamp', '1:23', 'text', 'what was said here')
         from generate_series(1, ${EVENTS}) n`,
    )
  })
  after(async () => {
    await receiver?.close()
    await shop?.close()
  })

  it('of 100,000 events makes a span for each batch and none for each event: fewer than 1,000 in all', async () => {
    const { PATH, HOME } = process.env
    const env = { PATH, HOME, DB_URL: shop.url, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }
    const { stdout } = await promisify(execFile)(VIDWIZ, ['rebuild', 'notes'], { env })
    expect(stdout).to.match(/rebuilt 100,000 rows from 100,000 events/)
    const { spans } = receiver
    const whole = spans.filter(({ name }) => name === 'rebuild notes')
    const batches = spans.filter(({ name }) => name === 'fold notes')
    expect(whole).to.have.length(1)
    expect(whole[0]).to.include({ service: 'vidwiz-rebuild' })
    expect(batches.reduce((sum, { attributes }) => sum + Number(attributes['messaging.batch.message_count']), 0)).to.equal(EVENTS)
    expect(new Set(spans.map(({ traceId }) => traceId)).size).to.equal(1)
    expect(spans.length).to.be.below(1_000)
  })
})
