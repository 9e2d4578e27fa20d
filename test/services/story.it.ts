import { expect } from 'chai'
import { askAgain, recordDispatch } from '#events/ai.ts'
import { catalog, deciders } from '#events/catalog.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { topics } from '#events/topics.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { EVENT_COLUMNS } from '#platform/log/postgres/rows.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'
import { vidwiz } from '#test/kit/run.ts'
import { PARTS, type Stack, startStack } from '#test/kit/stack.ts'
import { type Ask, asking, newVideo, type Person, someone } from './api/routes/kit.ts'

/** A child of a child … as `[type, of what it was caused]`. */
type Cause = [type: string, causedBy: string | undefined]

describe('the story of a note, told from what its events say of each other', function () {
  this.timeout(120_000)
  let stack: Stack
  let db: Db
  let execute: Execute
  let worker: Ask
  let person: Person

  before(async () => {
    const env = { AI_NOTES_AT_SIGN_UP: '1', TASK_COOLDOWN_SECONDS: '3600' }
    stack = await startStack(env, { parts: [...PARTS, 'ai-notes', 'summaries'] })
    db = openDb(stack.databaseUrl, { max: 2 })
    ;({ execute } = executor({ appender: appender(db), catalog, deciders, topics }))
    worker = asking(stack.url, { token: stack.adminToken })
    person = await someone(stack.url)
  })
  after(async () => {
    if (db) await assertWhole()
    await db?.close()
    await stack?.stop()
  })

  let requests = 0
  const newRequest = () => `request-${++requests}`
  const eventsWhere = (where: string, ...values: unknown[]) =>
    db.query<Recorded>(`t ${where}`, `select ${EVENT_COLUMNS} from log.events where ${where} order by pos`, values)
  const newest = async (stream: string) => (await eventsWhere('stream = $1', stream)).at(-1)
  const comes = (stream: string, type: string) =>
    eventually(async () => {
      const event = await newest(stream)
      expect(event?.type).to.equal(type)
      return event!
    })

  /** An empty note, taken with a request of this id. */
  const take = async (videoId: string, requestId: string, headers: Record<string, string> = {}) => {
    const answer = await person.ask('POST', `/v2/videos/${videoId}/notes`, {
      json: { timestamp: '0:01' },
      headers: { 'X-Request-ID': requestId, ...headers },
    })
    expect(answer.status, answer.body).to.equal(201)
    return answer.json().id as number
  }
  const claim = async (kind: 'transcript' | 'metadata' = 'transcript') => {
    const answer = await worker('GET', `/v2/internal/tasks?type=${kind}&timeout=20`, {
      headers: { 'X-Request-ID': 'of-the-poller' },
    })
    expect([answer.status, answer.header('x-request-id')]).to.deep.equal([200, 'of-the-poller'])
    const { task_id, task_details } = answer.json()
    return { task_id: task_id as number, video_id: task_details.video_id as string }
  }
  const submit = async ({ task_id, video_id }: { task_id: number; video_id: string }, result: object) => {
    const answer = await worker('POST', `/v2/internal/tasks/${task_id}/result`, { json: { video_id, ...result } })
    expect(answer.status, answer.body).to.equal(200)
  }
  const TRANSCRIPT = { success: true, transcript: [{ text: 'a', offset: 0.5, duration: 1 }] }
  /** Hands in what belongs to a video, whatever else is there to be done. */
  const fetch = async (videoId: string, result: object = TRANSCRIPT) => {
    const task = await claim()
    expect(task.video_id).to.equal(videoId)
    await submit(task, result)
  }
  /** What the bridge does: it has told a queue of a question. */
  const dispatch = async (request: string, type = 'AiNoteRequested') => {
    const { id, correlationId, data } = await comes(`ai-${request}`, type)
    const { videoId, attempt } = JSON.parse(data)
    await execute(recordDispatch({ request, videoId, attempt, messageId: `message-of-${request}` }), {
      actor: 'sqs-bridge',
      correlationId,
      causationId: id,
    })
    return eventually(async () => {
      const [row] = await db.query<{ status: string; event_id: string }>(
        't.request',
        'select status, event_id from views.ai_requests where request = $1',
        [request],
      )
      expect(row!.status).to.equal('dispatched')
      return { id, correlationId: correlationId!, dispatched: row!.event_id }
    })
  }
  const write = async (note: number, headers: Record<string, string> = {}) => {
    const json = { text: 'what was said', generated_by_ai: true }
    expect((await worker('PATCH', `/v2/internal/notes/${note}`, { json, headers })).status).to.equal(200)
    await comes(`ai-note-${note}`, 'JobAnswered')
  }

  /** All events of a request, each with the type of what caused it. */
  const causes = async (requestId: string): Promise<Cause[]> => {
    const events = await eventsWhere('correlation_id = $1', requestId)
    const ids = events.map(({ causationId }) => causationId).filter((id) => id !== null)
    const types = new Map((await eventsWhere('id = any ($1::uuid[])', ids)).map(({ id, type }) => [id, type]))
    return events.map(({ type, causationId }) => [type, causationId === null ? undefined : types.get(causationId)])
  }
  const UP_TO_THE_TRANSCRIPT: Cause[] = [
    ['NoteCreated', undefined],
    ['AiNoteAwaited', 'NoteCreated'],
    ['TaskScheduled', 'NoteCreated'],
    ['TaskClaimed', 'TaskScheduled'],
    ['TaskCompleted', 'TaskClaimed'],
    ['TranscriptStored', 'TaskClaimed'],
  ]
  /** The two reactors are told of a note at once: whose event comes first is nobody's promise. */
  const sorted = (list: Cause[]) => list.map(([type, by]) => `${type} by ${by}`).sort()

  /** From every event, following what caused it, one comes to a request of a client or to what an operator did: the tree is whole. */
  const assertWhole = async () => {
    const events = await eventsWhere('true')
    const byId = new Map(events.map((event) => [event.id, event]))
    for (const event of events) {
      const at = `${event.type} of ${event.stream}`
      let first = event
      while (first.causationId !== null) {
        const cause = byId.get(first.causationId)
        expect(cause, `what caused ${first.type} of ${first.stream}, which led to ${at}`).to.not.equal(undefined)
        expect(cause!.pos).to.be.lessThan(first.pos)
        first = cause!
      }
      expect(first.actor, `who began what led to ${at}`).to.match(/^user-|^admin$|^operator:|^null$/)
      expect(event.correlationId, at).to.be.a('string')
    }
  }
  const metadata = async () => {
    const task = await claim('metadata')
    await submit(task, { success: true, metadata: { title: 'a' } })
  }

  it('has the id of the request on every event down to the text, when the worker says nothing of it', async () => {
    const [video, request] = [newVideo(), newRequest()]
    const note = await take(video, request)
    // If the transcript came first, the note would not wait for it.
    await comes(`ai-note-${note}`, 'AiNoteAwaited')
    await fetch(video)
    await metadata()
    const { dispatched } = await dispatch(`note-${note}`)
    await write(note, { 'X-Request-ID': 'of-the-lambda' })
    expect((await comes(`note-${note}`, 'NoteWrittenByAi')).causationId).to.equal(dispatched)
    const found = (await causes(request)).filter(([type]) => !/^(Video|Metadata|Summary)/.test(type))
    const ofTheText: Cause[] = [
      ['AiNoteRequested', 'TranscriptStored'],
      ['JobDispatched', 'AiNoteRequested'],
      ['NoteWrittenByAi', 'JobDispatched'],
      ['JobAnswered', 'NoteWrittenByAi'],
    ]
    const ofMetadata: Cause[] = [
      ['TaskScheduled', 'NoteCreated'],
      ['TaskClaimed', 'TaskScheduled'],
      ['TaskCompleted', 'TaskClaimed'],
    ]
    expect(sorted(found)).to.deep.equal(sorted([...UP_TO_THE_TRANSCRIPT, ...ofMetadata, ...ofTheText]))
    expect((await causes(request)).find(([type]) => type === 'MetadataStored')).to.deep.equal(['MetadataStored', 'TaskClaimed'])
    expect(await eventsWhere(`correlation_id in ('of-the-poller', 'of-the-lambda')`)).to.deep.equal([])
  })

  it('has it as well when the worker hands on what it was told, and then the event that the worker was told of', async () => {
    const [video, request] = [newVideo(), newRequest()]
    const note = await take(video, request)
    await fetch(video)
    await metadata()
    const { id, correlationId } = await dispatch(`note-${note}`)
    expect(correlationId).to.equal(request)
    await write(note, { 'X-Request-ID': correlationId, 'X-Causation-ID': id.toUpperCase() })
    expect(await comes(`note-${note}`, 'NoteWrittenByAi')).to.include({ correlationId: request, causationId: id, actor: 'admin' })
  })

  it('has its own request on it, though a transcript came because of an earlier note', async () => {
    const [video, first, second] = [newVideo(), newRequest(), newRequest()]
    await take(video, first)
    const note = await take(video, second)
    await comes(`ai-note-${note}`, 'AiNoteAwaited')
    await fetch(video)
    await metadata()
    await dispatch(`note-${note}`)
    await write(note)
    expect(sorted(await causes(second))).to.deep.equal(
      sorted([
        ['NoteCreated', undefined],
        ['AiNoteAwaited', 'NoteCreated'],
        ['AiNoteRequested', 'TranscriptStored'],
        ['JobDispatched', 'AiNoteRequested'],
        ['NoteWrittenByAi', 'JobDispatched'],
        ['JobAnswered', 'NoteWrittenByAi'],
      ]),
    )
    const told = await story(`note-${note}`)
    expect(told).to.match(/request request-\d+ by user-\d+\n.*NoteCreated {2}note-\d+ {2}at 0:01, empty/)
    for (const words of [
      `request ${first} by`,
      'TranscriptStored',
      `AiNoteRequested  ai-note-${note}  question 1`,
      `of request ${second}`,
    ])
      expect(told).to.contain(words)
  })

  it('leads from a summary back to the note, whatever the worker says', async () => {
    const [video, request] = [newVideo(), newRequest()]
    await take(video, request)
    await fetch(video)
    await metadata()
    const { dispatched } = await dispatch(`summary-${video}`, 'SummaryRequested')
    const answer = await worker('POST', `/v2/internal/videos/${video}/summary`, { json: { summary: 'in short' } })
    expect(answer.status).to.equal(200)
    await comes(`ai-summary-${video}`, 'JobAnswered')
    const [stored] = await eventsWhere(`stream = $1 and type = 'SummaryStored'`, `video-${video}`)
    expect(stored).to.include({ correlationId: request, causationId: dispatched })
  })

  it('takes the word of workers only, and only for an id of an event', async () => {
    const [video, id] = [newVideo(), (await eventsWhere('pos = 1'))[0]!.id]
    const note = await take(video, newRequest(), { 'X-Causation-ID': id })
    expect((await newest(`note-${note}`))!.causationId).to.equal(null)
    // With a transcript already there, none would be asked for.
    await comes(`task-transcript-${video}`, 'TaskScheduled')
    const said = async (causation: string) => {
      const headers = { 'X-Request-ID': 'said', 'X-Causation-ID': causation }
      const rows = [{ text: `${causation}`, offset: 0, duration: 1 }]
      const answer = await worker('POST', `/v2/internal/videos/${video}/transcript`, { json: { transcript: rows }, headers })
      expect(answer.status).to.equal(200)
      return (await eventsWhere(`stream = $1 and type = 'TranscriptStored'`, `video-${video}`)).at(-1)!
    }
    for (const nonsense of ['nonsense', `${id}0`, 'note-1']) expect((await said(nonsense)).causationId).to.equal(null)
    expect(await said(id)).to.include({ causationId: id, correlationId: 'said' })
    await claim('metadata').then((task) => submit(task, { success: true, metadata: { a: 1 } }))
    await claim().then((task) => submit(task, TRANSCRIPT))
  })

  it('tells a task that was handed back as caused by its claim', async () => {
    const [video, request] = [newVideo(), newRequest()]
    await take(video, request)
    await metadata()
    const task = await claim()
    await submit(task, { success: false, error_message: 'not today' })
    expect(await newest(`task-transcript-${video}`)).to.include({ type: 'TaskAttemptFailed', correlationId: request })
    await fetch(video)
    expect((await causes(request)).filter(([type]) => /^Task(Claimed|Att)|^Transcript/.test(type))).to.deep.include.members([
      ['TaskAttemptFailed', 'TaskClaimed'],
      ['TaskClaimed', 'TaskAttemptFailed'],
      ['TranscriptStored', 'TaskClaimed'],
    ])
  })

  // The command -------------------------------------------------------------------

  const run = (...args: string[]) => vidwiz(args, stack.env).finished
  const story = async (...args: string[]) => {
    const { code, stdout, stderr } = await run('story', ...args)
    expect(code, stdout + stderr).to.equal(0)
    return stdout
  }
  const eventuallyTold = (what: string, pattern: RegExp) =>
    eventually(async () => expect(await story(what)).to.match(pattern), { withinMs: 30_000 })

  it('npx vidwiz story: what a note waits for, hop by hop, and at the end the whole tree', async () => {
    const [video, request] = [newVideo(), newRequest()]
    const note = `note-${await take(video, request)}`
    const waits = `^${note} waits for the transcript of video ${video}: `
    await eventuallyTold(note, new RegExp(`${waits}the task has waited for a worker for [^,]+, attempt 1 of 3$`, 'm'))
    await comes(`ai-${note}`, 'AiNoteAwaited')
    await metadata()
    const task = await claim()
    expect(await story(note)).to.match(new RegExp(`${waits}the task has been in hand for [^,]+, attempt 1 of 3$`, 'm'))
    await submit(task, TRANSCRIPT)
    const bridge = `^${note} was asked for, and waits for the bridge \\(no sqs-bridge has run here\\)$`
    await eventuallyTold(note, new RegExp(bridge, 'm'))
    const { id } = await dispatch(note)
    const queued = `^${note} was asked for, and has been in the queue for \\d[^(]* \\(message message-of-${note}\\); without an answer it is asked again in 14 min`
    expect(await story(note)).to.match(new RegExp(queued, 'm'))
    await write(Number(note.slice(5)))
    const told = await story(note)
    expect(told).to.match(new RegExp(`^${note} was written by a model, .* after it was taken$`, 'm'))
    const MOMENT = '20\\d\\d-\\d\\d-\\d\\dT[\\d:.]+Z'
    const AFTER = ' +\\+\\d[\\d.]* (ms|s)'
    for (const line of [
      ` {24}  request ${request} by user-${person.id}`,
      `${MOMENT}    NoteCreated  ${note}  at 0:01, empty`,
      `${AFTER}      TaskScheduled  task-transcript-${video}  task \\d+  \\(by fetch-scheduler\\)`,
      `${AFTER}        TaskClaimed  task-transcript-${video}  attempt 1, has 2 min  \\(by admin\\)`,
      `${AFTER}          TranscriptStored  video-${video}  1 row  \\(by admin\\)`,
      `${AFTER}            AiNoteRequested  ai-${note}  question 1  \\(by ai-notes\\)`,
      `${AFTER}              JobDispatched  ai-${note}  question 1 is in the queue, message message-of-${note}  \\(by sqs-bridge\\)`,
      `${AFTER}                NoteWrittenByAi  ${note}  "what was said"  \\(by admin\\)`,
      `${AFTER}                  JobAnswered  ai-${note}  question 1  \\(by ai-notes\\)`,
    ])
      expect(told).to.match(new RegExp(`^${line}$`, 'm'))
    expect(told.match(/^.*Note(Created|WrittenByAi).*$/gm)).to.have.length(2)

    // The same tree by the request, by an event of it, and by other streams in it.
    const tree = (text: string) => text.split('\n').filter((line) => /NoteCreated|TaskClaimed|NoteWrittenByAi/.test(line))
    expect(tree(await story(request))).to.deep.equal(tree(told))
    const byEvent = await story(id)
    expect(byEvent).to.match(/AiNoteRequested .* <-- this one$/m)
    expect(tree(byEvent.replace('  <-- this one', ''))).to.deep.equal(tree(told))
    for (const stream of [`ai-${note}`, `video-${video}`, `task-transcript-${video}`]) {
      const other = await story(stream)
      for (const line of tree(told).filter((line) => !line.includes('metadata'))) expect(other, stream).to.contain(line)
    }
  })

  it('npx vidwiz story --json: the tree for programs', async () => {
    const [last] = (await eventsWhere(`type = 'NoteWrittenByAi'`)).slice(-1)
    const told = JSON.parse(await story(last!.stream, '--json'))
    expect(told.subject).to.deep.equal({ kind: 'stream', name: last!.stream })
    expect(told).to.include({ isCut: false, prunedBefore: null })
    expect(told.sentences).to.have.length(1)
    const all: string[] = []
    const look = (event: { type: string; caused: [] }) => {
      all.push(event.type)
      for (const caused of event.caused) look(caused)
    }
    for (const { events } of told.requests) for (const event of events) look(event)
    expect(all).to.include.members(['NoteCreated', 'TaskScheduled', 'TranscriptStored', 'NoteWrittenByAi', 'JobAnswered'])
  })

  it('npx vidwiz story: why a task rests, why nobody is asked, and what was given up', async () => {
    const video = newVideo()
    const note = `note-${await take(video, newRequest())}`
    await metadata()
    await fetch(video, { success: false, error_message: 'Private video', permanent: true })
    const UNTIL = '20\\d\\d-[\\d-]+T[\\d:.]+Z'
    await eventuallyTold(
      note,
      new RegExp(
        `${video}: the task failed, because: Private video; the next note on the video has it tried again, but not before ${UNTIL}`,
        'm',
      ),
    )
    const later = `note-${await take(video, newRequest())}`
    await eventuallyTold(later, new RegExp(`^${later} waits for .* the task rests until ${UNTIL}, because: Private video$`, 'm'))
    for (const waits of [note, later])
      expect(await story(`video-${video}`)).to.match(new RegExp(`^${waits} waits for .* the task rests until`, 'm'))

    const unwilling = await someone(stack.url)
    await unwilling.ask('PATCH', '/v2/users/me', { json: { ai_notes_enabled: false } })
    const answer = await unwilling.ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '0:01' } })
    const empty = `note-${answer.json().id}`
    expect(await story(empty)).to.contain(
      `${empty} is empty, and no model is asked for its text: user-${unwilling.id} does not want notes by AI`,
    )
  })

  it('npx vidwiz requests: lists what waits and was given up, and asks again by one command', async () => {
    const video = newVideo()
    const id = await take(video, newRequest())
    const note = `note-${id}`
    await fetch(video)
    await metadata()
    await dispatch(note)
    const policy = { answerMs: 0, maxTries: 1 }
    const last = (await newest(`ai-${note}`))!
    await execute(askAgain({ request: note, videoId: video, noteId: id, policy }), {
      actor: 'ai-notes',
      correlationId: last.correlationId,
      causationId: last.id,
    })
    await eventually(async () => {
      const { stdout } = await run('requests', '--status', 'given-up')
      expect(stdout).to.match(new RegExp(`^${note} +given-up +\\d[\\d.]* \\w+ +1 +no answer came, asked 1 times$`, 'm'))
      expect(stdout).to.match(/^notes: \d+ awaited, \d+ requested, \d+ dispatched, 1 given-up$/m)
      expect(stdout).to.match(/^summaries: .*0 given-up$/m)
    })
    const givenUp = `${note} was given up: no answer came, asked 1 times; redrive with: .*npx vidwiz requests redrive ${note}`
    expect(await story(note)).to.match(new RegExp(givenUp))
    expect(JSON.parse((await run('requests', '--status', 'given-up', '--json')).stdout)).to.include({ request: note, attempt: 1 })

    const redriven = await run('requests', 'redrive', note)
    expect([redriven.code, redriven.stdout]).to.deep.equal([0, `${note}: asked again\n`])
    const asked = (await newest(`ai-${note}`))!
    expect(asked).to.include({ type: 'AiNoteRequested', actor: 'cli', correlationId: last.correlationId })
    const twice = await run('requests', 'redrive', note, 'note-999999')
    expect([twice.code, twice.stdout]).to.deep.equal([1, `${note} is not given up\nnote-999999: nobody ever asked for it\n`])
    await eventually(async () => {
      const all = await run('requests', 'redrive', '--all')
      expect([all.code, all.stdout]).to.deep.equal([0, 'nothing was given up\n'])
    })
    await dispatch(note)
    expect(await story(note)).to.match(/has been in the queue for/)
    for (const bad of [
      ['requests', 'redrive'],
      ['requests', 'redrive', '--all', note],
      ['requests', '--status', 'nonsense'],
    ])
      expect(await run(...bad), bad.join(' ')).to.include({ code: 1, stdout: '' })
  })

  it('npx vidwiz story: what a consumer could not handle, and which command helps', async () => {
    const note = `note-${await take(newVideo(), newRequest())}`
    await metadata()
    await db.query(
      't.broken',
      `insert into log.events
       select (select max(pos) + 1 from log.events), topic, partition, key, stream, 2, gen_random_uuid(), 'NoteEdited', 1, time, actor,
              correlation_id, id, traceparent, '{"noteId": "broken"}' from log.events where stream = $1`,
      [note],
    )
    await db.query('t.wake', `select pg_notify('log', 'vidwiz.notes')`)
    await eventuallyTold(
      note,
      /^ai-notes could not handle NoteEdited of note-\d+: .*; when that is fixed: .*npx vidwiz redrive ai-notes note-\d+ /m,
    )
    expect(await story(note)).to.match(/NoteEdited .*cannot be read: "\{\\"noteId/)
  })

  it('npx vidwiz story: a consumer that has not come so far is named', async () => {
    await stack.signal('ai-notes', 'SIGSTOP')
    try {
      const note = `note-${await take(newVideo(), newRequest())}`
      expect(await story(note)).to.match(
        /^note-\d+ is empty, and no model is asked for its text: ai-notes has not come to it yet$/m,
      )
      expect(await story(note)).to.match(/^ai-notes has not come to all of this yet: it is \d+ events? behind$/m)
    } finally {
      await stack.signal('ai-notes', 'SIGCONT')
    }
    await metadata()
  })

  it('npx vidwiz story: says in one line what it does not know, and how much it left out', async () => {
    for (const nothing of ['note-999999', '42', 'x'.repeat(300), '', "';--", crypto.randomUUID()]) {
      const { code, stdout, stderr } = await run('story', nothing)
      expect([code, stdout, stderr.trim().split('\n').length], nothing).to.deep.equal([1, '', 1])
    }
    expect((await run('story', '42')).stderr).to.contain('there is no note, no user and no conversation of that number')
    const [written] = await eventsWhere(`type = 'NoteWrittenByAi'`)
    const cut = await story(written!.stream, '--limit', '1')
    expect(cut).to.contain('there are more events than 1: --limit shows more of them')
    // Whatever caused it is there all the same.
    expect(cut).to.contain('NoteCreated')
  })

  it('npx vidwiz story: says so when the beginning was pruned', async () => {
    const [written] = (await eventsWhere(`type = 'NoteWrittenByAi'`)).slice(-1)
    const pruned = 'with gone as (delete from log.events where pos < $1 returning *) select * from gone order by pos'
    const gone = await db.query<Record<string, unknown>>('t.prune', pruned, [written!.pos])
    try {
      const told = await story(written!.stream)
      expect(told).to.contain(`what lies before position ${written!.pos} was pruned from the database; Kafka has it`)
      expect(told).to.match(/NoteWrittenByAi .*caused by event .*, which is not in the database/)
    } finally {
      for (const row of gone)
        await db.query('t.back', 'insert into log.events select * from json_populate_record(null::log.events, $1)', [
          JSON.stringify(row),
        ])
    }
  })
})
