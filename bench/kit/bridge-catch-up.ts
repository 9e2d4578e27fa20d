import type { ChildProcess } from 'node:child_process'
import { GetQueueAttributesCommand, PurgeQueueCommand } from '@aws-sdk/client-sqs'
import { ai } from '../../events/topics.ts'
import { type Db, openDb } from '../../platform/pg/pool.ts'
import { freshDatabase } from '../../test/kit/postgres.ts'
import type { BareMessage } from './bare-sqs-process.ts'
import { heard, start } from './child.ts'
import type { Figure } from './figure.ts'
import { inTurn, median } from './measure.ts'
import { addQuestions } from './questions.ts'
import { clientOf, type Sqs } from './sqs-servers.ts'

/** The bridge sending a backlog of questions, compared with the SDK sending the same prepared bodies. */
export async function catchingUp(
  where: string,
  sqs: Sqs,
  { rounds, questions, target }: { rounds: number; questions: number; target?: Figure['target'] },
): Promise<Figure[]> {
  const database = await freshDatabase()
  const db = openDb(database.url, { name: 'bench bridge', max: 2 })
  const client = clientOf(sqs.env)
  const env = { ...sqs.env, DB_URL: database.url, LOG_LEVEL: 'warn' }
  const children: ChildProcess[] = []
  const started = async (file: string, args: string[] = []) => {
    const child = start(file, args, { env, flags: [] })
    children.push(child)
    await heard(child)
    return child
  }
  const QueueUrl = sqs.env.SQS_AI_NOTE_QUEUE_URL!
  /** Every run starts with an empty queue. */
  const empty = () => client.send(new PurgeQueueCommand({ QueueUrl }))
  const assertSent = async () => {
    const names = ['ApproximateNumberOfMessages' as const]
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: names }))
    const sent = Number(Attributes![names[0]!])
    if (sent !== questions) throw new Error(`${sent} of ${questions} messages are in the queue`)
  }

  try {
    const service = await started('../../services/process.ts', ['sqs-bridge'])
    const bare = await started('bare-sqs-process.ts')
    let beyond = 0
    const { ours, theirs } = await inTurn<{ ours: number; theirs: number }>(rounds, {
      async ours() {
        await empty()
        // Frozen while the backlog builds up, as if it had been away.
        service.kill('SIGSTOP')
        beyond = await lastOf(db)
        await addQuestions(db, questions)
        const heads = await headsOf(db)
        const from = performance.now()
        service.kill('SIGCONT')
        await reached(db, heads)
        const tookMs = performance.now() - from
        await assertSent()
        return (questions * 1000) / tookMs
      },
      async theirs() {
        await empty()
        bare.send({ prepare: beyond } satisfies BareMessage)
        const prepared = await heard<number>(bare)
        bare.send('send' satisfies BareMessage)
        const tookMs = await heard<number>(bare)
        await assertSent()
        return (prepared * 1000) / tookMs
      },
    })
    return [
      {
        name: `catching up, SQS ${where}`,
        value: median(ours),
        unit: 'messages/s',
        beside: { what: 'bare SendMessageBatch', value: median(theirs) },
        target,
      },
    ]
  } finally {
    for (const child of children) child.kill()
    client.destroy()
    await db.close()
    await sqs.stop()
    await database.drop()
  }
}

const lastOf = async (db: Db) =>
  (await db.query<{ pos: number }>('bench.pos', 'select coalesce(max(pos), 0) as pos from log.events'))[0]!.pos

type Heads = { partition: number; pos: number }[]

const headsOf = (db: Db): Promise<Heads> =>
  db.query('bench.heads', 'select partition, max(pos) as pos from log.events where topic = $1 group by partition', [ai.name])

/** Waits until the bridge has recorded everything up to `heads`. */
async function reached(db: Db, heads: Heads) {
  const behind = () =>
    db.query(
      'bench.behind',
      `select from json_to_recordset($2) h (partition int, pos bigint)
         left join log.checkpoints c on c.consumer = 'sqs-bridge' and c.topic = $1 and c.partition = h.partition
        where coalesce(c.pos, 0) < h.pos`,
      [ai.name, JSON.stringify(heads)],
    )
  while ((await behind()).length > 0) await new Promise((resolve) => setTimeout(resolve, 10))
}
