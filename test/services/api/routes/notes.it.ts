import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import {
  A_TIME,
  type Ask,
  extra,
  newVideo,
  noObject,
  noString,
  type Person,
  plain,
  problems,
  refusal,
  required,
  seen,
  system,
  wrong,
} from './kit.ts'

const NOT_FOUND = refusal(404, 'Note not found')
const NO_VIDEO = 'video_id must be a valid YouTube video ID'

describe('the routes of notes', () => {
  const api = system()
  let bob: Person
  before(async () => {
    bob = await api.someone()
  })

  const take = (ask: Ask, video: string, more: object = {}) =>
    ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '1:23', ...more } })
  const taken = async (ask: Ask, video: string, more: object = {}) => {
    const answer = await take(ask, video, more)
    expect(answer.status, answer.body).to.equal(201)
    return answer.json()
  }
  const notesOn = async (ask: Ask, video: string) => (await ask('GET', `/v2/videos/${video}/notes`)).json()
  const listed = async (ask: Ask) =>
    (await ask('GET', '/v2/videos')).json().videos.map(({ video_id }: { video_id: string }) => video_id)

  describe('POST /v2/videos/{id}/notes', () => {
    it('answers with the note: the fields of the contract in its order, then ours', async () => {
      const video = newVideo()
      const answer = await take(bob.ask, video, { text: ' a\u3000note\u0085', video_title: 'T' })
      const { id, created_at } = answer.json()
      const contract = `{"id":${id},"video_id":"${video}","timestamp":"1:23","text":"a\u3000note","generated_by_ai":false,"created_at":"${created_at}","updated_at":"${created_at}","user_id":${bob.id}`
      expect([answer.status, answer.body.slice(0, contract.length)]).to.deep.equal([201, contract])
      expect(created_at).to.match(A_TIME)
      expect(answer.header('content-type')).to.equal('application/json')
      expect(answer.header('vidwiz-visible'), 'told only when not so').to.equal(undefined)
      expect((await bob.ask('GET', `/v2/videos/${video}/notes`)).body).to.equal(`[${answer.body}]`)
    })

    it('makes no text of blanks, and ignores what it does not know', async () => {
      for (const text of [undefined, null, '', ' \n\u2003\u001c'])
        expect((await taken(bob.ask, newVideo(), { text })).text).to.equal(null)
      const forged = { id: 1, user_id: 1, generated_by_ai: true, created_at: 'x', ['__proto__']: { text: 'x' } }
      expect(await taken(bob.ask, newVideo(), forged)).to.include({ user_id: bob.id, generated_by_ai: false, text: null })
      expect((await taken(bob.ask, newVideo(), { text: '\ufeffx\u200b' })).text).to.equal('\ufeffx\u200b')
    })

    it('keeps a timestamp as it is, if it has a colon and two digits', async () => {
      for (const timestamp of ['1:2', ':12', 'x1:2y  ', '１:２', '\n1:\n2', '00:00:00'])
        expect((await taken(bob.ask, newVideo(), { timestamp })).timestamp).to.equal(timestamp)
      const says = async (timestamp: unknown) => problems(await take(bob.ask, newVideo(), { timestamp }))
      expect(await says('12')).to.deep.equal([wrong('body.timestamp', "timestamp must contain at least one ':'")])
      for (const few of [':', '1:', 'a:1b'])
        expect(await says(few)).to.deep.equal([wrong('body.timestamp', 'timestamp must contain at least two numbers')])
      expect(await says(12)).to.deep.equal([noString('body.timestamp')])
      expect(await says(undefined)).to.deep.equal([required('body.timestamp')])
    })

    it('names all that is wrong with path and body, in this order', async () => {
      const answer = await take(bob.ask, 'short', { timestamp: null, text: 1, video_title: [] })
      expect(problems(answer)).to.deep.equal([
        wrong('path.video_id', NO_VIDEO),
        noString('body.timestamp'),
        noString('body.text'),
        noString('body.video_title'),
      ])
      expect(problems(await take(bob.ask, newVideo(), { text: 'a\0b', video_title: '\udc00' })).map(([f]) => f)).to.deep.equal([
        'body.text',
        'body.video_title',
      ])
      const to = `/v2/videos/${newVideo()}/notes`
      expect(problems(await bob.ask('POST', to))).to.deep.equal([required('body')])
      expect(problems(await bob.ask('POST', to, { json: [] }))).to.deep.equal([noObject])
      expect(
        problems(await bob.ask('POST', to, { body: 'timestamp=1:23', headers: { 'Content-Type': 'text/plain' } })),
      ).to.deep.equal([noObject])
    })

    it('reads the body before it asks who is there', async () => {
      const post = (body: string) => api.ask('POST', '/v2/videos/x/notes', { body })
      expect(seen(await post('['.repeat(5000)))).to.deep.equal(plain(400, 'There was an error parsing the body'))
      expect(problems(await post('{'))).to.deep.equal([['body.1', 'json_invalid', 'JSON decode error']])
      expect((await post('{}')).status).to.equal(401)
    })

    it('keeps long texts whole', async () => {
      const video = newVideo()
      const text = '😀é"\\\n'.repeat(200_000)
      expect((await taken(bob.ask, video, { text: `${text}.` })).text).to.equal(`${text}.`)
      expect((await notesOn(bob.ask, video))[0].text).to.equal(`${text}.`)
    })

    it('finds the video in what stands in the path', async () => {
      const video = newVideo()
      for (const written of [`%20${video}%0A`, video.replace('_', '%5F'), `%E3%80%80${video}`])
        expect((await taken(bob.ask, written)).video_id).to.equal(video)
      expect(await notesOn(bob.ask, `%20${video}`)).to.have.length(3)
      const cases: [string, string][] = [
        [`${video}x`, NO_VIDEO],
        [`${video}%26x=1`, NO_VIDEO],
        ['%20', 'video_id cannot be empty'],
        [`list=${video}`, 'playlist URLs are not supported'],
        ['[bad', 'Invalid IPv6 URL'],
      ]
      for (const [written, message] of cases)
        expect(problems(await take(bob.ask, written)), written).to.deep.equal([wrong('path.video_id', message)])
      expect(seen(await take(bob.ask, `https:%2F%2Fyoutu.be%2F${video}`))).to.deep.equal(plain(404, 'Not Found'))
    })

    it('titles a video with the first title that is one', async () => {
      const video = newVideo()
      const titled = async (video_title?: string | null) => {
        await taken(bob.ask, video, { video_title })
        return (await bob.ask('GET', `/v2/videos/${video}`)).json().title
      }
      expect(await titled()).to.equal(null)
      for (const none of ['No YouTube video title found.', 'No YouTube video found.', ' \n', 'YouTube', '(3) - YouTube'])
        expect(await titled(none), `what a client sends when it found none: ${none}`).to.equal(null)
      expect(await titled('')).to.equal(null)
      expect(await titled(' First ')).to.equal(' First ')
      expect(await titled('Second')).to.equal(' First ')
      expect(await api.eventsOf(`video-${video}`)).to.deep.equal(['VideoAdded', 'VideoTitled'])
      const other = newVideo()
      await taken(bob.ask, other, { video_title: '' })
      expect((await bob.ask('GET', `/v2/videos/${other}`)).json().title, '"" is kept').to.equal('')
      await taken(bob.ask, other, { video_title: 'Late' })
      expect((await bob.ask('GET', `/v2/videos/${other}`)).json().title).to.equal('Late')
    })

    it('lets twelve take the first note on one new video at once', async () => {
      const video = newVideo()
      const people = await Promise.all(Array.from({ length: 4 }, () => api.someone()))
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) => take(people[n % 4]!.ask, video, { text: `${n}`, video_title: `title ${n}` })),
      )
      expect(answers.map(({ status }) => status)).to.deep.equal(Array(12).fill(201))
      expect(new Set(answers.map((answer) => answer.json().id)).size).to.equal(12)
      expect(await api.eventsOf(`video-${video}`)).to.deep.equal(['VideoAdded'])
      for (const { ask } of people) expect(await notesOn(ask, video)).to.have.length(3)
    })
  })

  describe('GET /v2/videos/{id}/notes', () => {
    it('lists one’s own notes on the video, oldest first', async () => {
      const video = newVideo()
      const alice = await api.someone()
      const ids = []
      for (let n = 0; n < 5; n++) ids.push((await taken(n === 2 ? alice.ask : bob.ask, video, { text: `${n}` })).id)
      await bob.ask('PATCH', `/v2/notes/${ids[0]}`, { json: { text: 'edited' } })
      expect((await notesOn(bob.ask, video)).map(({ text }: { text: string }) => text)).to.deep.equal(['edited', '1', '3', '4'])
      expect((await notesOn(alice.ask, video)).map(({ id }: { id: number }) => id)).to.deep.equal([ids[2]])
    })

    it('is empty for a video that nobody knows', async () => {
      expect(seen(await bob.ask('GET', `/v2/videos/${newVideo()}/notes`))).to.deep.equal([200, '[]'])
    })

    it('wants the id of a video, but first of all somebody who asks', async () => {
      expect((await api.ask('GET', '/v2/videos/x/notes')).status).to.equal(401)
      expect(problems(await bob.ask('GET', '/v2/videos/x/notes'))).to.deep.equal([wrong('path.video_id', NO_VIDEO)])
    })
  })

  describe('PATCH /v2/notes/{id}', () => {
    const patch = (id: unknown, json: unknown, ask = bob.ask) => ask('PATCH', `/v2/notes/${id}`, { json })

    it('changes what is given, to the letter, and answers with the note', async () => {
      const video = newVideo()
      const note = await taken(bob.ask, video, { text: 'x' })
      const answer = await patch(note.id, { text: ' y\n' })
      const { updated_at } = answer.json()
      expect(seen(answer)).to.deep.equal([200, JSON.stringify({ ...note, text: ' y\n', updated_at })])
      expect(updated_at).to.match(A_TIME)
      expect((await bob.ask('GET', `/v2/videos/${video}/notes`)).body).to.equal(`[${answer.body}]`)
      expect((await patch(note.id, { generated_by_ai: 'on' })).json()).to.include({ text: ' y\n', generated_by_ai: true })
      expect((await patch(note.id, { text: '', generated_by_ai: null })).json()).to.include({ text: '', generated_by_ai: true })
      expect((await patch(note.id, { text: null, generated_by_ai: 0 })).json()).to.include({ text: '', generated_by_ai: false })
    })

    it('moves updated_at only when something changes, to the second', async () => {
      const note = await taken(bob.ask, newVideo(), { text: 'x' })
      const secondOf = () => Math.floor(Date.now() / 1000)
      await eventually(() => expect(secondOf()).to.be.greaterThan(Date.parse(note.created_at.replace('+0000', 'Z')) / 1000))
      expect(seen(await patch(note.id, { text: 'x', generated_by_ai: false }))).to.deep.equal([200, JSON.stringify(note)])
      expect(await api.eventsOf(`note-${note.id}`)).to.deep.equal(['NoteCreated'])
      const changed = (await patch(note.id, { text: 'y' })).json()
      expect([changed.created_at, changed.updated_at > note.updated_at]).to.deep.equal([note.created_at, true])
    })

    it('says in this order: who asks, what is asked for, whether it is there, the body, whether there is anything in it', async () => {
      const { id } = await taken(bob.ask, newVideo())
      const alice = await api.someone()
      const least = ['path.note_id', 'greater_than_equal', 'Input should be greater than or equal to 1']
      const noInteger = ['path.note_id', 'int_parsing', 'Input should be a valid integer, unable to parse string as an integer']
      expect(problems(await api.ask('PATCH', '/v2/notes/x', { body: '{' }))).to.deep.equal([
        ['body.1', 'json_invalid', 'JSON decode error'],
      ])
      expect((await patch('x', { text: 1 }, api.ask)).status).to.equal(401)
      for (const bad of ['x', '1.5', '1e1', '%20', '0x1'])
        expect(problems(await patch(bad, { text: 'x' }))).to.deep.equal([noInteger])
      for (const low of [0, -1, '-0', `-${'9'.repeat(400)}`])
        expect(problems(await patch(low, { text: 'x' })), String(low)).to.deep.equal([least])
      expect(problems(await patch(0, { text: 1, more: 1, ['__proto__']: 1 }))).to.deep.equal([
        least,
        noString('body.text'),
        extra('body.more'),
        extra('body.__proto__'),
      ])
      for (const body of [{ text: 1 }, {}, [], { more: 1 }]) {
        expect(seen(await patch(id, body, alice.ask)), 'another’s').to.deep.equal(NOT_FOUND)
        for (const nowhere of [999_999_999, '9'.repeat(400)]) expect(seen(await patch(nowhere, body))).to.deep.equal(NOT_FOUND)
      }
      expect(seen(await alice.ask('PATCH', `/v2/notes/${id}`))).to.deep.equal(NOT_FOUND)
      expect(problems(await patch(id, { text: 1, id: 2 }))).to.deep.equal([noString('body.text'), extra('body.id')])
      expect(problems(await patch(id, { generated_by_ai: 'x' }))[0]![1]).to.equal('bool_parsing')
      expect(problems(await bob.ask('PATCH', `/v2/notes/${id}`))).to.deep.equal([required('body')])
      for (const none of [{}, { text: null }, { text: null, generated_by_ai: null }])
        expect(seen(await patch(id, none))).to.deep.equal(refusal(400, 'No fields provided for update'))
      expect(await api.eventsOf(`note-${id}`)).to.deep.equal(['NoteCreated'])
    })

    it('takes a number written in other ways', async () => {
      const { id } = await taken(bob.ask, newVideo())
      for (const written of [`+${id}`, `00${id}`, `${id}.0`, `%20${id}%20`])
        expect((await patch(written, { text: 'x' })).status).to.equal(200)
    })
  })

  describe('DELETE /v2/notes/{id}', () => {
    it('takes the note away, and with the last one the video from the list', async () => {
      const carol = await api.someone()
      const [video, other] = [newVideo(), newVideo()]
      const [first, second] = [await taken(carol.ask, video), await taken(carol.ask, video)]
      await taken(carol.ask, other)
      expect(seen(await carol.ask('DELETE', `/v2/notes/${first.id}`))).to.deep.equal([
        200,
        '{"message":"Note deleted successfully"}',
      ])
      expect(await notesOn(carol.ask, video)).to.deep.equal([second])
      expect(await listed(carol.ask)).to.deep.equal([other, video])
      expect((await carol.ask('DELETE', `/v2/notes/${second.id}`, { body: '{' })).status).to.equal(200)
      expect(await notesOn(carol.ask, video)).to.deep.equal([])
      expect(await listed(carol.ask)).to.deep.equal([other])
      expect((await carol.ask('GET', `/v2/videos/${video}`)).status, 'the video itself stays').to.equal(200)
      await taken(carol.ask, video)
      expect(await listed(carol.ask)).to.deep.equal([other, video])
    })

    it('finds only one’s own note, and only once', async () => {
      const note = await taken(bob.ask, newVideo())
      const alice = await api.someone()
      const remove = (id: unknown, ask = bob.ask) => ask('DELETE', `/v2/notes/${id}`)
      expect(seen(await remove(note.id, alice.ask))).to.deep.equal(NOT_FOUND)
      expect(seen(await remove(999_999_999))).to.deep.equal(NOT_FOUND)
      expect((await remove(note.id)).status).to.equal(200)
      expect(seen(await remove(note.id))).to.deep.equal(NOT_FOUND)
      expect(seen(await bob.ask('PATCH', `/v2/notes/${note.id}`, { json: { text: 'x' } }))).to.deep.equal(NOT_FOUND)
      expect(problems(await remove(0))[0]).to.include('path.note_id')
      expect((await remove(0, api.ask)).status).to.equal(401)
    })

    it('is won by one of many at once, and the others are told that it is gone', async () => {
      const { id } = await taken(bob.ask, newVideo())
      const answers = await Promise.all(Array.from({ length: 12 }, () => bob.ask('DELETE', `/v2/notes/${id}`)))
      expect(answers.filter(({ status }) => status === 200)).to.have.length(1)
      expect(answers.filter(({ status }) => status !== 200).map(seen)).to.deep.equal(Array(11).fill(NOT_FOUND))
      expect(await api.eventsOf(`note-${id}`)).to.deep.equal(['NoteCreated', 'NoteDeleted'])
    })
  })
})
