import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import {
  A_TIME,
  type Asking,
  extra,
  newVideo,
  noDictionary,
  noList,
  noObject,
  noString,
  type Person,
  problems,
  refusal,
  required,
  seen,
  system,
  wrong,
} from './kit.ts'

const ROWS = '[{"text":"a","offset":0.5,"duration":1.50,"id":12345678901234567890},{"text":null,"2":1,"1":2}]'
const NO_VIDEO = 'video_id must be a valid YouTube video ID'

describe('the internal routes of videos and notes', () => {
  const api = system()
  let bob: Person
  before(async () => {
    bob = await api.someone()
    await bob.ask('PATCH', '/v2/users/me', { json: { ai_notes_enabled: true } })
  })

  const store = (video: string, what: string, asking: Asking) =>
    api.worker('POST', `/v2/internal/videos/${video}/${what}`, {
      ...asking,
      headers: { 'Content-Type': 'application/json' },
    })
  const read = async (video: string) => (await api.worker('GET', `/v2/internal/videos/${video}`)).json()
  const take = async (person: Person, video: string, text: string | null = null) => {
    const answer = await person.ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '1:23', text } })
    expect(answer.status, answer.body).to.equal(201)
    return answer.json()
  }
  const objectOf = (video: string) => join(api.stack.dataFolder, 'objects', 'transcripts', `${video}.json`)

  const every: [string, string, unknown][] = [
    ['POST', '/v2/internal/videos/x/transcript', {}],
    ['POST', '/v2/internal/videos/x/metadata', {}],
    ['POST', '/v2/internal/videos/x/summary', { summary: 1 }],
    ['GET', '/v2/internal/videos/x', undefined],
    ['GET', '/v2/internal/videos/x/ai-notes', undefined],
    ['PATCH', '/v2/internal/notes/x', { text: 1 }],
  ]
  for (const [method, path, json] of every)
    it(`${method} ${path} asks for the admin token before anything but the form of the body`, async () => {
      const wants = async (headers: Record<string, string>) => seen(await api.ask(method, path, { json, headers }))
      const missing = refusal(401, 'Missing or invalid Authorization header')
      for (const headers of [{}, { Authorization: 'Bearer' }, { Authorization: `bearer ${api.stack.adminToken}` }])
        expect(await wants(headers as Record<string, string>)).to.deep.equal(missing)
      for (const token of ['x', bob.token, `${api.stack.adminToken}x`])
        expect(await wants({ Authorization: `Bearer ${token}` })).to.deep.equal(refusal(403, 'Invalid admin token'))
      if (json === undefined) return
      expect(problems(await api.ask(method, path, { body: '{' }))).to.deep.equal([
        ['body.1', 'json_invalid', 'JSON decode error'],
      ])
      expect((await api.worker(method, path, { json })).status).to.equal(422)
    })

  describe('POST /v2/internal/videos/{id}/transcript', () => {
    it('stores the rows to the letter and makes the transcript available', async () => {
      const video = newVideo()
      const answer = await store(video, 'transcript', { body: `{"more": 1, "transcript" : ${ROWS.replaceAll(',', ' ,\n')}}` })
      const { id, created_at, updated_at } = answer.json()
      expect(seen(answer)).to.deep.equal([
        200,
        `{"id":${id},"video_id":"${video}","title":null,"metadata":null,"transcript_available":true,"summary":null,"suggested_questions":null,"created_at":"${created_at}","updated_at":"${updated_at}"}`,
      ])
      expect(created_at).to.match(A_TIME)
      expect(readFileSync(objectOf(video), 'utf8')).to.equal(ROWS)
      expect(await api.eventsOf(`video-${video}`)).to.deep.equal(['VideoAdded', 'TranscriptStored'])
      const [stored] = await api.db.query<{ data: string }>(
        't.stored',
        `select data from log.events where stream = $1 and type = 'TranscriptStored'`,
        [`video-${video}`],
      )
      expect(JSON.parse(stored!.data)).to.include({
        videoId: video,
        s3Key: `transcripts/${video}.json`,
        rows: 2,
        sizeBytes: ROWS.length,
      })
    })

    it('says nothing new of the same rows, but puts the object back', async () => {
      const video = newVideo()
      for (let i = 0; i < 2; i++) {
        expect((await store(video, 'transcript', { json: { transcript: [{ text: 'a' }] } })).status).to.equal(200)
        writeFileSync(objectOf(video), 'lost')
      }
      await store(video, 'transcript', { json: { transcript: [{ text: 'a' }] } })
      expect(readFileSync(objectOf(video), 'utf8')).to.equal('[{"text":"a"}]')
      expect(await api.eventsOf(`video-${video}`)).to.deep.equal(['VideoAdded', 'TranscriptStored'])
    })

    it('stores an empty transcript, but never makes it available, nor puts it in the place of another', async () => {
      const video = newVideo()
      expect((await store(video, 'transcript', { json: { transcript: [] } })).json()).to.include({ transcript_available: false })
      expect(readFileSync(objectOf(video), 'utf8')).to.equal('[]')
      expect((await store(video, 'transcript', { json: { transcript: [{ text: 'a' }] } })).json()).to.include({
        transcript_available: true,
      })
      expect((await store(video, 'transcript', { json: { transcript: [] } })).json()).to.include({ transcript_available: true })
      expect(readFileSync(objectOf(video), 'utf8')).to.equal('[{"text":"a"}]')
    })

    it('takes six megabytes', async () => {
      const transcript = Array.from({ length: 60_000 }, (_, i) => ({ text: 'x'.repeat(70), offset: i, duration: 1.5 }))
      expect((await store(newVideo(), 'transcript', { json: { transcript } })).json()).to.include({ transcript_available: true })
    })

    it('says what is wrong with path and rows', async () => {
      const says = async (transcript: unknown) => problems(await store(newVideo(), 'transcript', { json: { transcript } }))
      expect(await says(undefined)).to.deep.equal([required('body.transcript')])
      for (const other of [null, 'x', {}, 1]) expect(await says(other)).to.deep.equal([noList('body.transcript')])
      expect(await says([1, { text: 'a' }, null])).to.deep.equal([
        noDictionary('body.transcript.0'),
        noDictionary('body.transcript.2'),
      ])
      for (const items of [[{}], [{ text: 'a' }, { Text: 'a' }]])
        expect(await says(items)).to.deep.equal([wrong('body.transcript', "transcript items must contain 'text' field")])
      expect(problems(await store('x', 'transcript', { json: { transcript: 1 } }))).to.deep.equal([
        wrong('path.video_id', NO_VIDEO),
        noList('body.transcript'),
      ])
      expect(problems(await store(newVideo(), 'transcript', {}))).to.deep.equal([required('body')])
      expect(problems(await store(newVideo(), 'transcript', { json: [] }))).to.deep.equal([noObject])
      expect(
        problems(await store(newVideo(), 'transcript', { body: '{"transcript":[{"text":"a","offset":NaN}]}' })),
      ).to.deep.equal([wrong('body.transcript', 'transcript must not contain NaN or Infinity')])
    })
  })

  describe('POST /v2/internal/videos/{id}/metadata', () => {
    it('keeps numbers of any size and the order of keys, and replaces the whole', async () => {
      const video = newVideo()
      const first = '{"2":1,"1":12345678901234567890,"b":{"a":1.50,"x":"\\u0000 \\ud800 é"}}'
      const answer = await store(video, 'metadata', { body: `{"metadata":${first}}` })
      expect(answer.status).to.equal(200)
      expect(answer.body).to.contain(`"title":null,"metadata":${first},"transcript_available":false`)
      expect((await api.worker('GET', `/v2/internal/videos/${video}`)).body).to.equal(answer.body)
      expect((await store(video, 'metadata', { json: { metadata: { title: 'x' } } })).json().metadata).to.deep.equal({
        title: 'x',
      })
      expect((await store(video, 'metadata', { json: { metadata: {} } })).json().metadata).to.deep.equal({})
    })

    it('says nothing new of the same metadata, however it is spaced', async () => {
      const video = newVideo()
      const stored = (await store(video, 'metadata', { body: '{"metadata":{"a":[1,2]}}' })).body
      expect((await store(video, 'metadata', { body: '{"metadata": {"a" : [1, 2] } }' })).body).to.equal(stored)
      expect(await api.eventsOf(`video-${video}`)).to.deep.equal(['VideoAdded', 'MetadataStored'])
    })

    it('takes the last of two, and no number that JSON cannot say', async () => {
      const video = newVideo()
      expect((await store(video, 'metadata', { body: '{"metadata":{"a":1},"metadata":{"b":2}}' })).json().metadata).to.deep.equal(
        {
          b: 2,
        },
      )
      for (const number of ['NaN', 'Infinity', '-Infinity', '1e999'])
        expect(problems(await store(video, 'metadata', { body: `{"metadata":{"a":[{"b":${number}}]}}` })), number).to.deep.equal([
          wrong('body.metadata', 'metadata must not contain NaN or Infinity'),
        ])
      for (const other of [null, [], 'x', 1])
        expect(problems(await store(video, 'metadata', { json: { metadata: other } }))).to.deep.equal([
          noDictionary('body.metadata'),
        ])
      expect(problems(await store(video, 'metadata', { json: {} }))).to.deep.equal([required('body.metadata')])
    })
  })

  describe('POST /v2/internal/videos/{id}/summary', () => {
    it('stores it, leaves it when none is given, and creates the video either way', async () => {
      const video = newVideo()
      for (const nothing of [{}, { summary: null }])
        expect((await store(video, 'summary', { json: nothing })).json()).to.include({ video_id: video, summary: null })
      expect((await store(video, 'summary', { json: { summary: ' é\n' } })).json()).to.include({ summary: ' é\n' })
      expect((await store(video, 'summary', { json: { summary: null } })).json()).to.include({ summary: ' é\n' })
      expect((await store(video, 'summary', { json: { summary: ' é\n' } })).json()).to.include({ summary: ' é\n' })
      expect((await store(video, 'summary', { json: { summary: '' } })).json()).to.include({ summary: '' })
      expect(await api.eventsOf(`video-${video}`)).to.deep.equal(['VideoAdded', 'SummaryStored', 'SummaryStored'])
    })

    it('is as long as ten thousand characters at most', async () => {
      const video = newVideo()
      expect((await store(video, 'summary', { json: { summary: '😀'.repeat(10_000) } })).status).to.equal(200)
      expect(problems(await store(video, 'summary', { json: { summary: 'x'.repeat(10_001) } }))).to.deep.equal([
        ['body.summary', 'string_too_long', 'String should have at most 10000 characters'],
      ])
      expect(problems(await store(video, 'summary', { json: { summary: 1 } }))).to.deep.equal([noString('body.summary')])
    })

    it('may come with three questions; anything else beside it is passed over', async () => {
      const video = newVideo()
      const questions = ['Why?', 'How?', 'When?']
      const given = (miscellaneous_data: unknown) => store(video, 'summary', { json: { summary: 's', miscellaneous_data } })
      for (const other of [null, 1, [], {}, { suggested_questions: ['a', 'b'] }, { suggested_questions: ['a', 'b', ' '] }])
        expect((await given(other)).json()).to.include({ summary: 's', suggested_questions: null })
      expect((await given({ suggested_questions: questions, more: 1 })).json().suggested_questions).to.deep.equal(questions)
      expect((await given(undefined)).json().suggested_questions).to.deep.equal(questions)
      expect((await bob.ask('GET', `/v2/videos/${video}`)).json().suggested_questions).to.deep.equal(questions)
    })
  })

  it('moves updated_at only when something changes', async () => {
    const video = newVideo()
    const { updated_at } = (await store(video, 'summary', { json: { summary: 's' } })).json()
    const secondOf = () => Math.floor(Date.now() / 1000)
    await eventually(() => expect(secondOf()).to.be.greaterThan(Date.parse(updated_at.replace('+0000', 'Z')) / 1000))
    expect((await store(video, 'summary', { json: { summary: 's' } })).json().updated_at).to.equal(updated_at)
    expect((await store(video, 'metadata', { json: { metadata: {} } })).json().updated_at > updated_at).to.equal(true)
  })

  it('creates a video once, whoever mentions it first', async () => {
    const video = newVideo()
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, () => store(video, 'summary', { json: { summary: 's' } })),
      ...Array.from({ length: 4 }, () => store(video, 'metadata', { json: { metadata: { a: 1 } } })),
      ...Array.from({ length: 4 }, () => store(video, 'transcript', { json: { transcript: [{ text: 'a' }] } })),
    ])
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(12).fill(200))
    expect(new Set(answers.map((answer) => answer.json().id)).size).to.equal(1)
    expect((await api.eventsOf(`video-${video}`)).sort()).to.deep.equal([
      'MetadataStored',
      'SummaryStored',
      'TranscriptStored',
      'VideoAdded',
    ])
    expect(await read(video)).to.deep.include({ summary: 's', metadata: { a: 1 }, transcript_available: true })
  })

  it('GET /v2/internal/videos/{id} finds any video there is', async () => {
    const video = newVideo()
    expect(seen(await api.worker('GET', `/v2/internal/videos/${video}`))).to.deep.equal(refusal(404, 'Video not found'))
    await take(bob, video)
    const { body } = await api.worker('GET', `/v2/internal/videos/%20${video}`)
    expect(body).to.equal((await bob.ask('GET', `/v2/videos/${video}`)).body)
    expect(problems(await api.worker('GET', '/v2/internal/videos/x'))).to.deep.equal([wrong('path.video_id', NO_VIDEO)])
  })

  describe('GET /v2/internal/videos/{id}/ai-notes', () => {
    const list = (video: string) => api.worker('GET', `/v2/internal/videos/${video}/ai-notes`)
    const NONE = refusal(404, 'No notes found for users with AI notes enabled')

    it('lists the empty notes of all who want AI notes, oldest first', async () => {
      const video = newVideo()
      expect(seen(await list(video))).to.deep.equal(refusal(404, 'Video not found'))
      const [alice, carol] = [await api.someone(), await api.someone()]
      await alice.ask('PATCH', '/v2/users/me', { json: { ai_notes_enabled: true } })
      await take(carol, video)
      await take(bob, video, 'mine')
      expect(seen(await list(video))).to.deep.equal(NONE)
      const notes = [await take(bob, video), await take(alice, video), await take(bob, video)]
      await take(bob, newVideo())
      const emptied = await bob.ask('PATCH', `/v2/notes/${notes[0].id}`, { json: { text: '' } })
      expect(seen(await list(video))).to.deep.equal([
        200,
        `{"video_id":"${video}","notes":${JSON.stringify([emptied.json(), ...notes.slice(1)])},"message":"Successfully retrieved notes for AI note generation."}`,
      ])
      await alice.ask('PATCH', '/v2/users/me', { json: { ai_notes_enabled: false } })
      expect((await list(video)).json().notes.map(({ id }: { id: number }) => id)).to.deep.equal([notes[0].id, notes[2].id])
      for (const { id } of [notes[0], notes[2]])
        await api.worker('PATCH', `/v2/internal/notes/${id}`, { json: { text: 'line', generated_by_ai: true } })
      expect(seen(await list(video))).to.deep.equal(NONE)
    })
  })

  describe('PATCH /v2/internal/notes/{id}', () => {
    const patch = (id: unknown, json: unknown) => api.worker('PATCH', `/v2/internal/notes/${id}`, { json })
    const NOT_FOUND = refusal(404, 'Note not found')

    it('writes the line of the model into an empty note of anybody', async () => {
      const video = newVideo()
      const note = await take(await api.someone(), video)
      const answer = await patch(note.id, { text: 'a line', generated_by_ai: true })
      expect(seen(answer)).to.deep.equal([
        200,
        JSON.stringify({ ...note, text: 'a line', generated_by_ai: true, updated_at: answer.json().updated_at }),
      ])
      expect(await api.eventsOf(`note-${note.id}`)).to.deep.equal(['NoteCreated', 'NoteWrittenByAi'])
    })

    it('never writes over what the author wrote meanwhile, and answers with that', async () => {
      const note = await take(bob, newVideo())
      const mine = await bob.ask('PATCH', `/v2/notes/${note.id}`, { json: { text: 'mine' } })
      expect(seen(await patch(note.id, { text: 'a line', generated_by_ai: true }))).to.deep.equal(seen(mine))
      expect((await bob.ask('GET', `/v2/videos/${note.video_id}/notes`)).json()).to.deep.equal([mine.json()])
      expect(await api.eventsOf(`note-${note.id}`)).to.deep.equal(['NoteCreated', 'NoteEdited'])
    })

    it('lets either the author or the model have the last word when both write at once, but the model never over the author', async () => {
      for (let round = 0; round < 10; round++) {
        const { id, video_id } = await take(bob, newVideo())
        await Promise.all([
          patch(id, { text: 'a line', generated_by_ai: true }),
          bob.ask('PATCH', `/v2/notes/${id}`, { json: { text: 'mine' } }),
        ])
        const [note] = (await bob.ask('GET', `/v2/videos/${video_id}/notes`)).json()
        expect(note.text).to.equal('mine')
      }
    })

    it('edits a note as its author would when the text is not of the model', async () => {
      const note = await take(bob, newVideo(), 'mine')
      expect((await patch(note.id, { text: 'put right' })).json()).to.include({ text: 'put right', generated_by_ai: false })
      expect((await patch(note.id, { generated_by_ai: 'yes' })).json()).to.include({ text: 'put right', generated_by_ai: true })
    })

    it('may change nothing', async () => {
      const note = await take(bob, newVideo(), 'mine')
      for (const nothing of [{}, { text: null }, { text: null, generated_by_ai: null }])
        expect(seen(await patch(note.id, nothing))).to.deep.equal([200, JSON.stringify(note)])
    })

    it('looks at the body before it looks for the note', async () => {
      const noInteger = ['path.note_id', 'int_parsing', 'Input should be a valid integer, unable to parse string as an integer']
      expect(problems(await patch('x', { text: 1, more: 1 }))).to.deep.equal([
        noInteger,
        noString('body.text'),
        extra('body.more'),
      ])
      for (const nowhere of [0, -1, 999_999_999, '9'.repeat(400)]) {
        expect(seen(await patch(nowhere, { text: 'x', generated_by_ai: true }))).to.deep.equal(NOT_FOUND)
        expect(seen(await patch(nowhere, {}))).to.deep.equal(NOT_FOUND)
        expect(problems(await patch(nowhere, { text: 1 }))).to.deep.equal([noString('body.text')])
      }
      const { id } = await take(bob, newVideo())
      await bob.ask('DELETE', `/v2/notes/${id}`)
      expect(seen(await patch(id, { text: 'x', generated_by_ai: true }))).to.deep.equal(NOT_FOUND)
    })
  })
})
