import { GetObjectCommand } from '@aws-sdk/client-s3'
import { expect } from 'chai'
import type pg from 'pg'
import { askMediaAgain, completeMedia, failMedia, findMedia, recordMediaDispatch, requestStudy } from '#events/media.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { mediaOf } from '#projections/media.ts'
import { doorOf, isShown } from '#services/kit/door/where.ts'
import { show } from '#services/media-door/shows.ts'
import { eventually } from '#test/kit/eventually.ts'
import { CARDS, type DoorWorld, type Job, QUIZ, startDoorWorld, TRANSCRIPT, work } from './jobs.ts'

describe('the door for workers that know no HTTP', function () {
  this.timeout(60_000)
  let world: DoorWorld
  let worker: pg.Client
  before(async () => {
    world = await startDoorWorld()
    worker = await world.connect()
  })
  after(() => world?.stop())
  afterEach(() => worker.query('rollback'))

  const types = async ({ videoId }: Job) => (await world.events(videoId)).map(({ type }) => type)
  const statusIn = async ({ number }: Job, client = worker) =>
    (await client.query('select status from videos where id = $1', [number])).rows[0]?.status
  const update = (job: Job, status: string, client = worker) =>
    client.query('update videos set status = $1 where id = $2', [status, job.number])
  const insert = (table: string, job: Job, path: string, language = 'en') =>
    worker.query(
      `insert into ${table} (video_id, user_id, language, file_path) values ($1, $2, $3, $4) returning id, created_at`,
      [job.number, job.userId, language, path],
    )
  const ended = (job: Job, type: string) =>
    eventually(async () => {
      const all = await types(job)
      expect(all).to.include(type)
      return all
    })
  const parked = async ({ videoId }: Job) => {
    const { stdout } = await world.cli('media', 'door', 'parked', '--json')
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { video_id: string; cause: string; file_path: string })
      .filter(({ video_id }) => video_id === videoId)
  }

  const logged = () => world.stack.output.join('\n')
  /** While nobody attends to the door. */
  const atRest = async (work: (door: Db) => Promise<void>) => {
    const door = openDb(doorOf(world.stack.databaseUrl).url, { max: 1 })
    await world.stack.signal('media-door#1', 'SIGSTOP')
    try {
      await work(door)
    } finally {
      await world.stack.signal('media-door#1', 'SIGCONT')
      await door.close()
    }
  }

  it('makes transcript, flashcards and quiz of what the worker of the original writes', async () => {
    const job = await world.job()
    await work(worker, world, job)
    expect((await ended(job, 'MediaProcessed')).slice(2)).to.deep.equal([
      'MediaProcessingRequested',
      'MediaProcessingDispatched',
      'MediaProcessingStarted',
      'MediaProgressed',
      'TranscriptStored',
      'MediaProcessed',
    ])
    const events = await world.events(job.videoId)
    const stored = events.find(({ type }) => type === 'TranscriptStored')!.data
    expect(stored).to.include({
      s3Key: `transcripts/${job.videoId}.json`,
      rows: 4,
      origin: 'text',
      language: 'en',
      endSeconds: 60,
    })
    const { Body } = await world.s3.client.send(
      new GetObjectCommand({ Bucket: 'things', Key: `transcripts/${job.videoId}.json` }),
    )
    const rows = JSON.parse(await Body!.transformToString())
    expect(rows.map(({ text }: { text: string }) => text).join(' ')).to.equal(TRANSCRIPT.split('\n')[2])
    expect(events.at(-1)!.data.study).to.deep.equal({ language: 'en', flashcards: CARDS, quiz: QUIZ })
  })

  it('serves a job that nobody asked for under an address that nobody has', async () => {
    const job = await world.job({ nobody: true })
    const { rows } = await worker.query('select user_id, title, url, status from videos where id = $1', [job.number])
    expect(rows).to.deep.equal([
      { user_id: '2147483647', title: 'Bees', url: `https://www.youtube.com/watch?v=${job.videoId}`, status: 'queued' },
    ])
    await work(worker, world, job)
    await ended(job, 'MediaProcessed')
  })

  it('forgets a job, its user and its rows when it has ended', async () => {
    const job = await world.job()
    await work(worker, world, job)
    await eventually(async () => {
      for (const [table, column, value] of [
        ['videos', 'id', job.number],
        ['users', 'email', job.email],
        ['transcripts', 'video_id', job.number],
      ])
        expect((await worker.query(`select from ${table} where ${column} = $1`, [value])).rowCount, String(table)).to.equal(0)
    })
    expect((await update(job, 'failed')).rowCount).to.equal(0)
  })

  it('reads back what was written, though no event has come of it yet', async () => {
    const job = await world.job()
    await worker.query('begin')
    expect((await update(job, 'processing')).rowCount).to.equal(1)
    expect(await statusIn(job)).to.equal('processing')
    const { rows } = await insert('quizzes', job, 's3://things/quizzes/x.json')
    expect(rows[0].created_at).to.be.instanceOf(Date)
    expect(
      (await worker.query('select video_id, user_id, language, file_path from quizzes where id = $1', [rows[0].id])).rows,
    ).to.deep.equal([
      { video_id: String(job.number), user_id: String(job.userId), language: 'en', file_path: 's3://things/quizzes/x.json' },
    ])
    await worker.query('commit')
    await ended(job, 'MediaProcessingStarted')
    expect(await statusIn(job)).to.equal('processing')
  })

  it('hears nothing of what was rolled back', async () => {
    const job = await world.job()
    await worker.query('begin')
    await update(job, 'processing')
    await insert('transcripts', job, await world.put('transcripts/rolled/back.txt', TRANSCRIPT))
    await update(job, 'completed')
    await worker.query('rollback')
    expect(await statusIn(job)).to.equal('queued')
    await update(job, 'processing')
    await ended(job, 'MediaProcessingStarted')
    expect(await types(job)).to.not.include.members(['TranscriptStored', 'MediaProcessed'])
  })

  it('hears what half a transaction said up to its savepoint', async () => {
    const job = await world.job()
    await worker.query('begin')
    await update(job, 'processing')
    await worker.query('savepoint half')
    await update(job, 'completed')
    await worker.query('rollback to savepoint half')
    await worker.query('commit')
    await ended(job, 'MediaProcessingStarted')
    expect(await statusIn(job)).to.equal('processing')
  })

  it('refuses a status that it does not know, an unknown column, another video and another user, and says so', async () => {
    const [job, other] = [await world.job(), await world.job()]
    const refused = async (text: string, values: unknown[], message: RegExp) => {
      const error = await worker.query(text, values).then(
        () => expect.fail(`went through: ${text}`),
        (error) => error,
      )
      expect(error.message).to.match(message)
    }
    const insertion = 'insert into transcripts (video_id, user_id, language, file_path) values ($1, $2, $3, $4)'
    await refused(
      'update videos set status = $1 where id = $2',
      ['transcribing', job.number],
      /queued, processing, completed or failed/,
    )
    await refused('update videos set status = null where id = $1', [job.number], /queued, processing, completed or failed/)
    await refused('update videos set user_id = 1 where id = $1', [job.number], /permission denied/)
    await refused('update videos set url = $1', ['http://127.0.0.1'], /permission denied/)
    await refused(insertion, [999_999, job.userId, 'en', 's3://things/transcripts/a.txt'], /no job under way/)
    await refused(insertion, [job.number, other.userId, 'en', 's3://things/transcripts/a.txt'], /another user/)
    await refused(insertion, [job.number, job.userId, 'en', null], /file_path must be given/)
    await refused('delete from videos', [], /permission denied/)
    await refused('delete from transcripts', [], /cannot delete/)
    await refused(`insert into users (id, email) values (1, 'a@b.c')`, [], /cannot insert/)
    expect((await update(job, 'processing')).rowCount).to.equal(1)
  })

  it('takes a job that failed for one that nobody answers: it is asked again, three times in all', async () => {
    const job = await world.job()
    for (const attempt of [1, 2, 3]) {
      await eventually(async () => expect(await statusIn(job)).to.equal('queued'))
      await update(job, 'processing')
      await update(job, 'failed')
      await eventually(async () => {
        const all = (await types(job)).filter((type) => type === 'MediaProcessingInterrupted')
        expect(all).to.have.lengthOf(attempt)
      })
      // So it is not taken for one that waits for its turn.
      const gone = (await world.events(job.videoId)).findLast(({ type }) => type === 'MediaProcessingInterrupted')
      expect(gone!.data).to.have.property('messageGone', true)
      expect(await statusIn(job)).to.equal('failed')
      await world.execute(askMediaAgain({ videoId: job.videoId, silenceMs: -1 }))
      await world.execute(recordMediaDispatch({ videoId: job.videoId, jobId: job.jobId, attempt: attempt + 1, messageId: 'm' }))
    }
    expect((await types(job)).at(-1)).to.equal('MediaProcessingFailed')
    await eventually(async () => expect(await statusIn(job)).to.equal(undefined))
  })

  it('asks again when the transcript cannot be read, and says why; the jobs of others go on', async () => {
    const job = await world.job()
    const key = `transcripts/${job.email}/gone.txt`
    await insert('transcripts', job, `s3://things/${key}`)
    await update(job, 'completed')
    const other = await world.job()
    await work(worker, world, other)
    await ended(other, 'MediaProcessed')
    await ended(job, 'MediaProcessingInterrupted')
    const why = 'there is no file of the transcript where the worker says it is'
    expect((await parked(job)).map(({ cause, file_path }) => [cause, file_path])).to.deep.equal([[why, `s3://things/${key}`]])
    const { stdout } = await world.cli('media')
    expect(stdout).to.match(new RegExp(`${job.videoId} .* queued .* ${why}`))
    // The name of the folder is the address of a user: no event holds it, and no line of the log.
    expect(JSON.stringify(await world.events(job.videoId))).to.not.contain(job.email)
    expect(logged()).to.contain(why).and.not.contain(job.email)

    // Somebody brings the file, and has all of it tried again.
    await world.put(key, TRANSCRIPT)
    expect((await world.cli('media', 'door', 'redrive', job.videoId)).stdout).to.contain('tried again: 2')
    await ended(job, 'MediaProcessed')
  })

  it('makes the study of a job that is done without it, once the file that was missing is there', async () => {
    const job = await world.job()
    const key = `quizzes/${job.videoId}/quiz.json`
    const cards = await world.put(`flashcards/${job.videoId}/cards.json`, JSON.stringify(CARDS))
    await insert('flashcards', job, cards, 'PT-br')
    await insert('quizzes', job, `s3://things/${key}`)
    await insert('transcripts', job, await world.put(`transcripts/${job.videoId}/a.txt`, TRANSCRIPT))
    await update(job, 'completed')
    await ended(job, 'MediaProcessed')
    await eventually(async () => expect(await statusIn(job)).to.equal(undefined))
    await world.put(key, JSON.stringify(QUIZ))
    await atRest(async (door) => {
      expect((await world.cli('media', 'door', 'redrive', job.videoId)).stdout).to.contain('tried again: 3')
      // As it does when the store is away: what waits to be tried again needs what was done before.
      await show(door, [], 'https://video/')
    })
    await eventually(async () => {
      const { type, data } = (await world.events(job.videoId)).at(-1)!
      // Under the name by which people ask for it.
      expect([type, data.study]).to.deep.equal(['MediaProcessed', { language: 'pt-BR', flashcards: CARDS, quiz: QUIZ }])
    })
  })

  it('stores nothing of a worker whose job is not the newest any more', async () => {
    const job = await world.job()
    const { videoId, jobId } = job
    const path = await world.put(`transcripts/${videoId}/a.txt`, TRANSCRIPT)
    await atRest(async () => {
      await insert('transcripts', job, path)
      await world.execute(failMedia({ videoId, jobId, cause: 'no worker answered' }))
      await world.execute(requestStudy({ videoId, userId: job.userId, quota: 1_000_000 }))
    })
    await eventually(async () => expect((await parked(job)).map(({ cause }) => cause)).to.deep.equal(['There is no such job']))
    const there = world.s3.client.send(new GetObjectCommand({ Bucket: 'things', Key: `transcripts/${videoId}.json` }))
    expect((await there.catch((error) => error)).name).to.equal('NoSuchKey')
  })

  it('shows the jobs of videos of which something is known that Postgres has no text for', async () => {
    const told = '{"title":"Bees\\u0000 \\ud83d","description":"\\u0000","duration":60}'
    const job = await world.job({ metadata: told })
    const { rows } = await worker.query('select title from videos where id = $1', [job.number])
    expect(rows).to.deep.equal([{ title: 'Bees \ufffd' }])
  })

  for (const [what, path, cause] of [
    ['lies in another bucket', 's3://theirs/flashcards/x.json', /another bucket than ours \(things\)/],
    ['lies where others keep theirs', 's3://things/transcripts/x.json', /does not lie in flashcards/],
    ['leads out of the store', 's3://things/flashcards/../transcripts/x.json', /names with slashes between/],
    ['has no address', '/tmp/flashcards.json', /not an address such as s3:/],
    ['is not there', 's3://things/flashcards/nowhere.json', /there is no file/],
    ['is no JSON', 'text', /is no JSON/],
    ['has too few cards', JSON.stringify(CARDS.slice(1)), /does not match the worker contract/],
  ] as const)
    it(`completes a job without the study when a file ${what}`, async () => {
      const job = await world.job()
      const isFile = /^(s3:|\/)/.test(path)
      const at = isFile ? path : await world.put(`flashcards/${job.videoId}/cards.json`, path)
      await insert('transcripts', job, await world.put(`transcripts/${job.videoId}/a.txt`, TRANSCRIPT))
      await insert('flashcards', job, at)
      await insert('quizzes', job, await world.put(`quizzes/${job.videoId}/quiz.json`, JSON.stringify(QUIZ)))
      await update(job, 'completed')
      await ended(job, 'MediaProcessed')
      const { data } = (await world.events(job.videoId)).at(-1)!
      expect(data.missing).to.match(cause)
      expect(data).to.not.have.property('study')
    })

  it('lets two workers at one job write one after the other, and the first who is done wins', async () => {
    const [job, second] = [await world.job(), await world.connect()]
    await Promise.all([work(worker, world, job), work(second, world, job)])
    await ended(job, 'MediaProcessed')
    await eventually(async () => expect(await statusIn(job)).to.equal(undefined))
    const all = await types(job)
    expect(all.filter((type) => type === 'TranscriptStored')).to.have.lengthOf(1)
    expect(all.filter((type) => type === 'MediaProcessed')).to.have.lengthOf(1)
  })

  it('lets a transaction on one video stand open as long as it likes: the others go on', async () => {
    const [job, other, second] = [await world.job(), await world.job(), await world.connect()]
    await worker.query('begin')
    await update(job, 'processing')
    await work(second, world, other)
    await ended(other, 'MediaProcessed')
    const third = await world.job()
    expect(await statusIn(third, second)).to.equal('queued')
    await worker.query('commit')
    await ended(job, 'MediaProcessingStarted')
  })

  it('tells of a job only once it stands there: not while a transaction keeps the row as it was for the job before', async () => {
    const [job, other] = [await world.job(), await world.connect()]
    const { videoId, jobId } = job
    await worker.query('begin')
    await update(job, 'processing')
    await world.execute(failMedia({ videoId, jobId, cause: 'no worker answered', permanent: true }))
    const next = await world.execute(requestStudy({ videoId, userId: job.userId, quota: 1_000_000 }))
    // What came later has been shown by then.
    await world.job()
    expect(await isShown(world.db, { videoId, jobId: next.jobId })).to.equal(false)
    await worker.query('commit')
    await eventually(async () => expect(await isShown(world.db, { videoId, jobId: next.jobId })).to.equal(true))
    expect(await statusIn(job, other)).to.equal('queued')
  })

  it('stands open while the views behind it are rebuilt', async () => {
    const job = await world.job()
    await update(job, 'processing')
    const rebuilt = await Promise.all(['media', 'users'].map((view) => world.cli('rebuild', view)))
    for (const { code, stderr } of rebuilt) expect(code, stderr).to.equal(0)
    expect(await statusIn(job)).to.equal('processing')
    const later = await world.job()
    await work(worker, world, later)
    await work(worker, world, job)
    await Promise.all([ended(job, 'MediaProcessed'), ended(later, 'MediaProcessed')])
  })

  it('shows that another worker has done the job', async () => {
    const job = await world.job()
    const { videoId, jobId } = job
    await world.execute(completeMedia({ videoId, jobId, missing: 'no model' }))
    await eventually(async () => expect(await statusIn(job)).to.equal(undefined))
    expect((await world.execute(findMedia({ videoId }))).media?.status).to.equal('completed')
    await eventually(async () => expect((await mediaOf(world.db, videoId))?.status).to.equal('completed'))
  })

  it('prints the same five lines again, and another password when told to', async () => {
    const again = await world.cli('media', 'door')
    for (const [name, value] of Object.entries(world.env)) expect(again.stdout).to.contain(`${name}=${value}\n`)
    const rotated = await world.cli('media', 'door', '--rotate')
    const password = /^DB_PASSWORD=(.+)$/m.exec(rotated.stdout)![1]!
    expect(password).to.not.equal(world.env.DB_PASSWORD)
    const refused = await world.connect().then(
      () => undefined,
      (error) => error.message,
    )
    // The latter by PgBouncer.
    expect(refused).to.match(/(password|SASL) authentication failed/)
    world.env.DB_PASSWORD = password
    await world.connect()
  })
})
