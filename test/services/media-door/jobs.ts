import { randomInt } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { expect } from 'chai'
import pg from 'pg'
import { catalog, deciders } from '#events/catalog.ts'
import { type Command, command, emit } from '#events/kit/command.ts'
import { awaitHearing, beginHearing, recordMediaDispatch, requestStudy } from '#events/media.ts'
import { topics } from '#events/topics.ts'
import { UserRegistered } from '#events/user.ts'
import { storeMetadata } from '#events/video.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { untilShown } from '#services/kit/door/where.ts'
import { onKafka } from '#test/kit/log.ts'
import { directly } from '#test/kit/postgres.ts'
import { vidwiz } from '#test/kit/run.ts'
import { startS3, type TestS3 } from '#test/kit/s3.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

/** What a worker is told, as `vidwiz media door` prints it. */
export type DoorEnv = Record<'DB_HOST' | 'DB_PORT' | 'DB_NAME' | 'DB_USER' | 'DB_PASSWORD', string>

export interface Job {
  videoId: string
  jobId: number
  /** Of the video. */
  number: number
  email: string
  userId: number
}

/** A system with an open door, and what a test does before and behind it. */
export interface DoorWorld {
  stack: Stack
  s3: TestS3
  db: Db
  env: DoorEnv
  cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>
  execute<R>(command: Command<R>): Promise<R>
  /** As the original's worker connects: psycopg2 speaks the same protocol. `direct`: never through a pooler. */
  connect(options?: { direct?: boolean }): Promise<pg.Client>
  /** A job that somebody asked for, once workers see it; `nobody`: one for want of captions. */
  job(options?: { nobody?: boolean; seconds?: number; metadata?: string }): Promise<Job>
  put(key: string, body: string): Promise<string>
  /** What the stream of a job holds, by type; what is asked of it comes later in any case. */
  events(videoId: string): Promise<{ type: string; data: Record<string, unknown> }[]>
  stop(): Promise<void>
}

export const CARDS = Array.from({ length: 5 }, (_, i) => ({ front: `What is ${i}?`, back: `It is ${i}` }))
export const QUIZ = Array.from({ length: 5 }, (_, i) => ({
  question: `Which? ${i}`,
  options: ['a', 'b', 'c', 'd'],
  correct_answer: i % 4,
}))
export const TRANSCRIPT = 'A talk about bees\nen\nBees dance. They tell each other where flowers are! Do they? Yes, they do.\n'

/** What `vidwiz media door` printed. */
export const linesOf = (stdout: string) =>
  Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  ) as DoorEnv

/** @param doors how many processes attend to the door */
export async function startDoorWorld({ doors = 1 } = {}): Promise<DoorWorld> {
  const s3 = await startS3()
  const parts = [...(onKafka ? ['relay'] : []), 'projector', ...Array.from({ length: doors }, (_, i) => `media-door#${i + 1}`)]
  const stack = await startStack({ ...s3.env, LOG_LEVEL: 'info' }, { parts })
  const db = openDb(stack.databaseUrl, { max: 4 })
  const { execute: run } = executor({ appender: appender(db), catalog, deciders, topics })
  const execute = async <R>(command: Command<R>) => (await run(command, { actor: null, correlationId: null })).result
  const cli = (...args: string[]) => vidwiz(args, stack.env).finished
  const { code, stdout, stderr } = await cli('media', 'door')
  expect(code, stderr).to.equal(0)
  const env = linesOf(stdout)
  const clients: pg.Client[] = []
  let users = 0

  const connect = async ({ direct = false } = {}) => {
    const { DB_HOST, DB_PORT, DB_NAME: database, DB_USER: user, DB_PASSWORD: password } = env
    const printed = `postgres://${DB_HOST}:${DB_PORT}`
    const { hostname: host, port } = new URL(direct ? await directly(printed) : printed)
    const client = new pg.Client({ host, port: Number(port), database, user, password })
    client.on('error', () => {})
    await client.connect()
    clients.push(client)
    return client
  }

  return {
    stack,
    s3,
    db,
    env,
    cli,
    execute,
    connect,
    async job({ nobody = false, seconds = 60, metadata = JSON.stringify({ title: 'Bees', duration: seconds }) } = {}) {
      const videoId = `bees${String(randomInt(1_000_000)).padStart(7, '0')}`
      const userId = ++users
      const email = nobody ? 'fallback@vidwiz.invalid' : `user-${userId}@example.com`
      await execute(storeMetadata({ videoId, metadata }))
      if (nobody) {
        await execute(awaitHearing({ videoId }))
        await execute(beginHearing({ videoId, perDay: 1_000_000 }))
      } else {
        const registered = UserRegistered({ userId, email, name: null, imageUrl: null })
        await execute(command({ name: 'register', reads: {}, decide: () => emit([registered], {}) }))
        await execute(requestStudy({ videoId, userId, quota: 1_000_000 }))
      }
      const { jobId } = (await eventsOf(videoId)).at(-1)!.data as { jobId: number }
      await execute(recordMediaDispatch({ videoId, jobId, attempt: 1, messageId: 'm' }))
      expect(await untilShown(db, { videoId, jobId }, { withinMs: 15_000 })).to.equal(true)
      const [video] = await db.query<{ id: number }>('t.number', 'select id from views.videos where video_id = $1', [videoId])
      return { videoId, jobId, number: video!.id, email, userId: nobody ? 2_147_483_647 : userId }
    },
    async put(key, body) {
      await s3.client.send(new PutObjectCommand({ Bucket: s3.env.S3_BUCKET_NAME, Key: key, Body: body }))
      return `s3://${s3.env.S3_BUCKET_NAME}/${key}`
    },
    events: eventsOf,
    async stop() {
      for (const client of clients) await client.end().catch(() => {})
      await cli('media', 'door', '--close', '--force')
      await stack.stop()
      await db.close()
      await s3.stop()
    },
  }

  async function eventsOf(videoId: string) {
    const rows = await db.query<{ type: string; data: string }>(
      't.events',
      `select type, data from log.events where stream in ('media-' || $1, 'video-' || $1) order by pos`,
      [videoId],
    )
    return rows.map(({ type, data }) => ({ type, data: JSON.parse(data) as Record<string, unknown> }))
  }
}

/** What the original's worker does about a message, statement by statement. */
export async function work(client: pg.Client, world: DoorWorld, job: Job, { cards = JSON.stringify(CARDS) } = {}): Promise<void> {
  const { number, email, videoId } = job
  const [user] = (
    await client.query('SELECT users.id AS users_id, users.email AS users_email FROM users WHERE users.email = $1 LIMIT 1', [
      email,
    ])
  ).rows
  expect(user).to.deep.equal({ users_id: String(job.userId), users_email: email })
  const status = async (status: string) => {
    const { rowCount } = await client.query('UPDATE videos SET status=$1 WHERE videos.id = $2', [status, number])
    expect(rowCount).to.equal(1)
  }
  await status('processing')
  const paths = {
    transcripts: await world.put(`transcripts/${email}/Bees: a talk (1).txt`, TRANSCRIPT),
    flashcards: await world.put(`flashcards/${videoId}/flashcards_en.json`, cards),
    quizzes: await world.put(`quizzes/${videoId}/quiz_en.json`, JSON.stringify(QUIZ)),
  }
  await client.query('BEGIN')
  for (const [table, path] of Object.entries(paths)) {
    const { rows } = await client.query(
      `INSERT INTO ${table} (video_id, user_id, language, file_path, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING ${table}.id`,
      [number, user.users_id, 'en', path, new Date().toISOString()],
    )
    expect(Number(rows[0].id)).to.be.greaterThan(0)
  }
  await status('completed')
  await client.query('COMMIT')
}
