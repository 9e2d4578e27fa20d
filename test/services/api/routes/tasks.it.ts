import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { type TaskKind, usualPolicy } from '#events/task.ts'
import { storeTranscript } from '#events/video.ts'
import { eventually } from '#test/kit/eventually.ts'
import { open, type RawAnswer, written } from '#test/platform/http/raw.ts'
import { CONTEXT, clearTasks, schedule as scheduled } from '../clear-tasks.ts'
import { ADMIN_TOKEN, type InProcess, startInProcess } from './in-process.ts'
import { type Ask, asking, newVideo, noDictionary, noList, noString, problems, refusal, required, seen, wrong } from './kit.ts'

const NO_ADMIN = refusal(403, 'Invalid admin token')

describe('the routes of tasks', () => {
  let api: InProcess
  let worker: Ask
  let stranger: Ask
  before(async function () {
    this.timeout(60_000)
    api = await startInProcess({ taskPolicy: { ...usualPolicy, restMs: 60_000 } })
    worker = asking(api.url, { token: ADMIN_TOKEN })
    stranger = asking(api.url)
  })
  afterEach(() => clearTasks(api.db, api.execute))
  after(() => api?.stop())

  const schedule = async (kind: TaskKind = 'transcript', videoId = newVideo()) => {
    await scheduled(api.execute, kind, videoId)
    return videoId
  }
  const poll = (query = 'type=transcript', ask = worker) => ask('GET', `/v2/internal/tasks?${query}`)
  /** A task of a new video, claimed. */
  const claimed = async (kind: TaskKind = 'transcript') => {
    const videoId = await schedule(kind)
    const answer = await poll(`type=${kind}`)
    expect(answer.status, answer.body).to.equal(200)
    const task = answer.json()
    expect(task.task_details.video_id).to.equal(videoId)
    return { id: task.task_id as number, videoId }
  }
  const submit = (id: unknown, json: unknown) => worker('POST', `/v2/internal/tasks/${id}/result`, { json })
  const submitText = (id: unknown, body: string) =>
    worker('POST', `/v2/internal/tasks/${id}/result`, { body, headers: { 'Content-Type': 'application/json' } })
  const video = async (videoId: string) => (await worker('GET', `/v2/internal/videos/${videoId}`)).json()
  const submitted = (id: number, status: string) => [
    200,
    `{"message":"Task result submitted successfully","task_id":${id},"status":"${status}"}`,
  ]
  const eventsOf = async (videoId: string) =>
    (await api.db.query<{ type: string }>('t.types', `select type from log.events where key = $1 order by pos`, [videoId])).map(
      ({ type }) => type,
    )

  describe('GET /v2/internal/tasks', () => {
    it('hands out a task, to the letter', async () => {
      const videoId = await schedule()
      const answer = await poll()
      const { task_id } = answer.json()
      expect(seen(answer)).to.deep.equal([
        200,
        `{"task_id":${task_id},"task_type":"fetch_transcript","task_details":{"video_id":"${videoId}"},"retry_count":1,"message":"Task retrieved successfully"}`,
      ])
      await submit(task_id, { video_id: videoId, success: true })
      await schedule('metadata', videoId)
      const other = (await poll('type=metadata&timeout=5')).json()
      expect(other).to.include({ task_type: 'fetch_metadata', retry_count: 1 })
      expect(other.task_id).to.be.greaterThan(task_id)
      await submit(other.task_id, { video_id: videoId, success: true })
    })

    it('answers with nothing at all when there was none in time', async () => {
      const startedAt = Date.now()
      const answer = await poll('type=transcript&timeout=1')
      expect(Date.now() - startedAt).to.be.within(950, 10_000)
      expect([answer.status, answer.body, answer.header('content-type')]).to.deep.equal([204, '', undefined])
      expect(answer.header('referrer-policy')).to.equal('strict-origin-when-cross-origin')
    })

    it('says in this order: the type, who asks, the rest', async () => {
      const badType = refusal(400, 'Invalid task type')
      for (const type of ['fetch_transcript', '', 'Transcript', 'transcript%20', '__proto__', 'constructor'])
        for (const ask of [worker, stranger]) expect(seen(await poll(`type=${type}`, ask)), type).to.deep.equal(badType)
      const low = ['query.timeout', 'greater_than_equal', 'Input should be greater than or equal to 1']
      const noInteger = ['query.timeout', 'int_parsing', 'Input should be a valid integer, unable to parse string as an integer']
      for (const query of ['', 'timeout=5', 'type=x&timeout=0', 'type=transcript&timeout=x', 'type=transcript']) {
        const missing = refusal(401, 'Missing or invalid Authorization header')
        expect(seen(await poll(query, stranger)), query).to.deep.equal(query.startsWith('type=x') ? missing : missing)
        expect(seen(await poll(query, asking(api.url, { token: 'x' }))), query).to.deep.equal(NO_ADMIN)
      }
      expect(problems(await poll(''))).to.deep.equal([required('query.type')])
      expect(problems(await poll('timeout=0'))).to.deep.equal([required('query.type'), low])
      expect(problems(await poll('type=x&timeout=0'))).to.deep.equal([low])
      expect(problems(await poll('type=transcript&timeout=-1'))).to.deep.equal([low])
      for (const timeout of ['x', '', '1.5'])
        expect(problems(await poll(`type=transcript&timeout=${timeout}`))).to.deep.equal([noInteger])
    })

    it('takes its time to refuse, for workers that know no pause', async () => {
      const startedAt = performance.now()
      await poll('type=transcript', stranger)
      expect(performance.now() - startedAt).to.be.greaterThan(200)
    })

    it('takes a timeout of any length', async () => {
      for (const timeout of ['61', '9'.repeat(400), '+60']) {
        const videoId = await schedule()
        const { task_id } = (await poll(`type=transcript&timeout=${timeout}`)).json()
        await submit(task_id, { video_id: videoId, success: true })
      }
    })

    it('never gives a task to a worker that has hung up', async () => {
      const hungUp = []
      for (let n = 0; n < 5; n++) {
        const connection = await open(Number(new URL(api.url).port))
        connection.write(written('GET', '/v2/internal/tasks?type=transcript', { Authorization: `Bearer ${ADMIN_TOKEN}` }))
        hungUp.push(connection)
      }
      await eventually(() => expect(api.changes.subscribers()).to.be.greaterThan(0))
      for (const { socket } of hungUp) socket.resetAndDestroy()
      await eventually(() => expect(api.changes.subscribers()).to.equal(0))
      const videoId = await schedule()
      expect((await poll()).json()).to.deep.include({ task_details: { video_id: videoId }, retry_count: 1 })
      expect(await eventsOf(videoId)).to.deep.equal(['TaskScheduled', 'TaskClaimed'])
    })

    it('lets 100 workers wait, and everybody else be served', async () => {
      const waiting = Array.from({ length: 100 }, () => poll('type=metadata&timeout=60'))
      await eventually(() => expect(api.changes.subscribers()).to.be.greaterThan(0))
      for (let n = 0; n < 20; n++) expect((await stranger('GET', '/health')).status).to.equal(200)
      const videos = await Promise.all(Array.from({ length: 100 }, () => schedule('metadata')))
      const tasks = (await Promise.all(waiting)).map((answer) => answer.json())
      expect(new Set(tasks.map((task) => task.task_details.video_id))).to.deep.equal(new Set(videos))
      for (const task of tasks) await submit(task.task_id, { video_id: task.task_details.video_id, success: true })
    })
  })

  describe('POST /v2/internal/tasks/{id}/result', () => {
    it('stores a transcript to the letter, and it is there at once', async () => {
      const { id, videoId } = await claimed()
      const rows = '[{"text":"a","offset":0.50,"duration":12345678901234567890}]'
      const answer = await submitText(id, `{"video_id":"${videoId}","success":1,"transcript":${rows},"more":[]}`)
      expect(seen(answer)).to.deep.equal(submitted(id, 'completed'))
      expect(await video(videoId)).to.include({ transcript_available: true })
      expect(readFileSync(join(api.objectsFolder, 'transcripts', `${videoId}.json`), 'utf8')).to.equal(rows)
      expect(await eventsOf(videoId)).to.deep.equal([
        ...['TaskScheduled', 'TaskClaimed', 'TaskCompleted'],
        ...['VideoAdded', 'TranscriptStored'],
      ])
    })

    it('stores metadata to the letter', async () => {
      const { id, videoId } = await claimed('metadata')
      const answer = await submitText(
        id,
        `{"video_id":"${videoId}","success":true,"transcript":[],"metadata":{"2":1.50,"1":12345678901234567890}}`,
      )
      expect(seen(answer)).to.deep.equal(submitted(id, 'completed'))
      const { body } = await worker('GET', `/v2/internal/videos/${videoId}`)
      expect(body).to.contain('"metadata":{"2":1.50,"1":12345678901234567890}')
    })

    it('takes no more metadata than a list of videos can show of each', async () => {
      const { id, videoId } = await claimed('metadata')
      const found = (length: number) => ({ video_id: videoId, success: true, metadata: { a: 'x'.repeat(length) } })
      expect((await submit(id, found(1024 * 1024))).status).to.equal(413)
      expect(seen(await submit(id, found(1024 * 1024 - 8)))).to.deep.equal(submitted(id, 'completed'))
    })

    it('completes a task that found nothing, which makes nothing available', async () => {
      for (const found of [{}, { transcript: null }, { transcript: [] }, { metadata: {} }]) {
        const { id, videoId } = await claimed()
        expect(seen(await submit(id, { video_id: videoId, success: true, ...found }))).to.deep.equal(submitted(id, 'completed'))
        expect(await video(videoId)).to.include({ transcript_available: false })
      }
      const { id, videoId } = await claimed('metadata')
      expect(seen(await submit(id, { video_id: videoId, success: 'yes', metadata: {} }))).to.deep.equal(
        submitted(id, 'completed'),
      )
      expect(await video(videoId)).to.include({ metadata: null })
    })

    it('has a failed task tried three times in all', async () => {
      const { id, videoId } = await claimed()
      const fail = () => submit(id, { video_id: videoId, success: false, error_message: 'no\0captions\ud800' })
      for (const attempt of [2, 3]) {
        expect(seen(await fail())).to.deep.equal(submitted(id, 'pending'))
        expect(seen(await fail()), 'not in hand').to.deep.equal(refusal(400, 'Task is not in progress'))
        expect((await poll()).json()).to.include({ task_id: id, retry_count: attempt })
      }
      expect(seen(await fail())).to.deep.equal(submitted(id, 'failed'))
      expect((await poll('type=transcript&timeout=1')).status).to.equal(204)
    })

    it('has a task of a video that will never be had tried once, and no other one for a week, however many notes come', async () => {
      // Its tasks stay open for a week.
      const apart = await startInProcess()
      const other = asking(apart.url, { token: ADMIN_TOKEN })
      const next = (timeout: number) => other('GET', `/v2/internal/tasks?type=transcript&timeout=${timeout}`)
      const events = (videoId: string) =>
        apart.db.query<{ type: string; dueAt: number | null }>(
          't.events',
          `select type, (data ->> 'dueAt')::float8 as "dueAt" from log.events where key = $1 order by pos`,
          [videoId],
        )
      const says = {
        'our own helper': { error_message: 'there are no captions', permanent: true },
        'yt-dlp in another': { error_message: 'ERROR: [youtube] x: Private video. Sign in if you have been granted access' },
        youtube_transcript_api: { error_message: 'Could not retrieve: Subtitles are disabled for this video' },
      }
      for (const [who, failure] of Object.entries(says)) {
        const videoId = newVideo()
        await scheduled(apart.execute, 'transcript', videoId)
        const { task_id: id } = (await next(5)).json()
        const json = { video_id: videoId, success: false, ...failure }
        expect(seen(await other('POST', `/v2/internal/tasks/${id}/result`, { json })), who).to.deep.equal(submitted(id, 'failed'))
        for (let n = 0; n < 10; n++) await scheduled(apart.execute, 'transcript', videoId)
        const told = await events(videoId)
        // The last one is what the ten asked for; it waits.
        expect(told.map(({ type }) => type)).to.deep.equal(['TaskScheduled', 'TaskClaimed', 'TaskAttemptFailed', 'TaskScheduled'])
        expect((told.at(-1)!.dueAt! - Date.now()) / 86_400_000, who).to.be.within(6.9, 7)
      }
      expect((await next(1)).status).to.equal(204)
      await apart.stop()
    })

    it('has a task tried again whose worker says that it was no last attempt, whatever the error says', async () => {
      const { id, videoId } = await claimed()
      const error_message = 'ERROR: [youtube] x: Private video'
      const answer = await submit(id, { video_id: videoId, success: false, error_message, permanent: false })
      expect(seen(answer)).to.deep.equal(submitted(id, 'pending'))
    })

    it('says in this order: the form, whether it is there, the video, whether it is in hand, what does not belong to it', async () => {
      const { id, videoId } = await claimed()
      const body = { video_id: videoId, success: true }
      const result = (id: unknown, json: unknown, ask: Ask) => ask('POST', `/v2/internal/tasks/${id}/result`, { json })
      expect(problems(await stranger('POST', '/v2/internal/tasks/x/result', { body: '{' }))[0]![1]).to.equal('json_invalid')
      expect((await result('x', {}, stranger)).status).to.equal(401)
      expect(seen(await result('x', {}, asking(api.url, { token: 'x' })))).to.deep.equal(NO_ADMIN)
      const noInteger = ['path.task_id', 'int_parsing', 'Input should be a valid integer, unable to parse string as an integer']
      expect(problems(await submit('x', {}))).to.deep.equal([noInteger, required('body.video_id'), required('body.success')])
      expect(
        problems(await submit(id, { video_id: 1, success: 'maybe', transcript: {}, metadata: [], error_message: 1 })),
      ).to.deep.equal([
        noString('body.video_id'),
        ['body.success', 'bool_parsing', 'Input should be a valid boolean, unable to interpret input'],
        noList('body.transcript'),
        noDictionary('body.metadata'),
        noString('body.error_message'),
      ])
      expect(problems(await submit(id, { ...body, transcript: [1] }))).to.deep.equal([noDictionary('body.transcript.0')])
      expect(problems(await submit(id, { ...body, transcript: [{}] }))).to.deep.equal([
        wrong('body.transcript', "transcript items must contain 'text' field"),
      ])
      for (const nowhere of [0, -1, 999_999_999, '9'.repeat(400)]) {
        expect(seen(await submit(nowhere, body))).to.deep.equal(refusal(404, 'Task not found'))
        expect((await submit(nowhere, {})).status).to.equal(422)
      }
      for (const other of [newVideo(), ` ${videoId}`, `https://youtu.be/${videoId}`, ''])
        expect(seen(await submit(id, { ...body, video_id: other, metadata: { a: 1 } }))).to.deep.equal(
          refusal(400, 'Task video_id mismatch'),
        )
      for (const success of [true, false])
        expect(seen(await submit(id, { ...body, success, metadata: { a: 1 } }))).to.deep.equal(
          refusal(400, 'Metadata payload is not valid for transcript tasks'),
        )
      expect(await eventsOf(videoId), 'nothing has happened').to.deep.equal(['TaskScheduled', 'TaskClaimed'])
      expect(seen(await submit(id, body))).to.deep.equal(submitted(id, 'completed'))
      for (const again of [body, { ...body, metadata: { a: 1 } }])
        expect(seen(await submit(id, again))).to.deep.equal(refusal(400, 'Task is not in progress'))
      const other = await claimed('metadata')
      expect(
        seen(await submit(other.id, { video_id: other.videoId, success: false, transcript: [{ text: 'a' }] })),
      ).to.deep.equal(refusal(400, 'Transcript payload is not valid for metadata tasks'))
      await submit(other.id, { video_id: other.videoId, success: true })
    })

    it('takes no result of a task that nobody has claimed', async () => {
      const videoId = await schedule()
      const id = await eventually(async () => {
        const [row] = await api.db.query<{ task_id: number }>('t.id', 'select task_id from views.tasks where video_id = $1', [
          videoId,
        ])
        return row!.task_id
      })
      expect(seen(await submit(id, { video_id: videoId, success: true }))).to.deep.equal(refusal(400, 'Task is not in progress'))
      await poll()
      await submit(id, { video_id: videoId, success: true })
    })

    it('counts once, however many say it at once', async () => {
      const { id, videoId } = await claimed()
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          submit(id, { video_id: videoId, success: n % 2 === 0, transcript: [{ text: `${n}` }], error_message: 'x' }),
        ),
      )
      expect(answers.filter(({ status }) => status === 200)).to.have.length(1)
      for (const answer of answers.filter(({ status }) => status !== 200))
        expect(seen(answer)).to.deep.equal(refusal(400, 'Task is not in progress'))
      const results = (await eventsOf(videoId)).filter((type) => type === 'TaskCompleted' || type === 'TaskAttemptFailed')
      expect(results).to.have.length(1)
    })

    it('said again under its Idempotency-Key gives the same answer', async () => {
      const { id, videoId } = await claimed()
      const say = (key: string) =>
        worker('POST', `/v2/internal/tasks/${id}/result`, {
          json: { video_id: videoId, success: true, transcript: [{ text: 'a' }] },
          headers: { 'Idempotency-Key': key },
        })
      const first = await say('one')
      expect(seen(first)).to.deep.equal(submitted(id, 'completed'))
      const second = await say('one')
      expect([seen(second), second.header('idempotency-replayed')]).to.deep.equal([seen(first), 'true'])
      expect(seen(await say('another'))).to.deep.equal(refusal(400, 'Task is not in progress'))
    })

    it('counts when it comes late, as long as nobody else has the task; then the other is told', async () => {
      const late = await startInProcess({ taskPolicy: { ...usualPolicy, leaseMs: 1 } })
      const worker = asking(late.url, { token: ADMIN_TOKEN })
      const videoId = newVideo()
      await scheduled(late.execute, 'transcript', videoId)
      const ask = async () => (await worker('GET', '/v2/internal/tasks?type=transcript')).json()
      const result = (task: { task_id: number }, text: string) =>
        worker('POST', `/v2/internal/tasks/${task.task_id}/result`, {
          json: { video_id: videoId, success: true, transcript: [{ text }] },
        })
      const [first, second] = [await ask(), await ask()]
      expect([first.retry_count, second.retry_count]).to.deep.equal([1, 2])
      expect((await result(first, 'first')).status).to.equal(200)
      expect(seen(await result(second, 'second'))).to.deep.equal(refusal(400, 'Task is not in progress'))
      expect(readFileSync(join(late.objectsFolder, 'transcripts', `${videoId}.json`), 'utf8')).to.equal('[{"text":"first"}]')
      await late.stop()
    })

    it('sets captions aside that come for a video which was heard meanwhile', async () => {
      const { id, videoId } = await claimed()
      const heard = '[{"text":"heard","offset":0,"duration":1}]'
      const s3Key = `transcripts/${videoId}.json`
      await api.objects.put(s3Key, heard, 'application/json')
      const transcript = { s3Key, rows: 1, sizeBytes: heard.length, sha256: 'of what was heard', origin: 'speech' as const }
      await api.execute(storeTranscript({ videoId, transcript }), CONTEXT)
      const rows = [{ text: 'a caption' }]
      const answer = await submit(id, { video_id: videoId, success: true, transcript: rows })
      expect(seen(answer)).to.deep.equal(submitted(id, 'completed'))
      const object = (name: string) => readFileSync(join(api.objectsFolder, 'transcripts', name), 'utf8')
      expect([object(`${videoId}.json`), object(`${videoId}.aside.json`)]).to.deep.equal([heard, JSON.stringify(rows)])
      expect((await eventsOf(videoId)).slice(-3)).to.deep.equal(['TranscriptStored', 'TaskCompleted', 'TranscriptSetAside'])
    })

    it('stores the transcript of the result that counts, however many come at once', async () => {
      for (let round = 0; round < 5; round++) {
        const { id, videoId } = await claimed()
        const result = (n: number) => ({ video_id: videoId, success: true, transcript: [{ text: `of worker ${n}` }] })
        const answers = await Promise.all([1, 2, 3, 4].map((n) => submit(id, result(n))))
        const winner = answers.findIndex(({ status }) => status === 200) + 1
        expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 400, 400, 400])
        const object = readFileSync(join(api.objectsFolder, 'transcripts', `${videoId}.json`), 'utf8')
        expect(object).to.equal(JSON.stringify(result(winner).transcript))
      }
    })

    it('changes nothing when the transcript cannot be stored, and can be said again', async () => {
      const { id, videoId } = await claimed()
      const folder = join(api.objectsFolder, 'transcripts')
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(dirname(folder), { recursive: true })
      writeFileSync(folder, 'in the way')
      const body = { video_id: videoId, success: true, transcript: [{ text: 'a' }] }
      const refused: RawAnswer = await submit(id, body)
      expect([refused.status, refused.json().error.code, refused.header('retry-after')]).to.deep.equal([
        503,
        'SERVICE_UNAVAILABLE',
        '1',
      ])
      expect(await eventsOf(videoId)).to.deep.equal(['TaskScheduled', 'TaskClaimed'])
      rmSync(folder)
      expect(seen(await submit(id, body))).to.deep.equal(submitted(id, 'completed'))
      expect(await video(videoId)).to.include({ transcript_available: true })
    })
  })

  it('does not let those who wait hold up a server that stops (P12)', async () => {
    const stopping = await startInProcess()
    const waiting = asking(stopping.url, { token: ADMIN_TOKEN })('GET', '/v2/internal/tasks?type=transcript&timeout=60')
    await eventually(() => expect(stopping.changes.subscribers()).to.equal(1))
    const startedAt = Date.now()
    await stopping.stop()
    expect((await waiting).status).to.equal(204)
    expect(Date.now() - startedAt).to.be.lessThan(5_000)
  })
})
