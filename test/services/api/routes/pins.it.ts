import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { type Ask, newVideo, type Person, problems, refusal, seen, system } from './kit.ts'

const NOT_FOUND = refusal(404, 'Note not found')

describe('pinning notes', () => {
  const api = system()
  let bob: Person
  let alice: Person
  before(async () => {
    bob = await api.someone()
    alice = await api.someone()
  })

  const taken = async (ask: Ask, video = newVideo(), text = 'x') =>
    (await ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '1:23', text } })).json()
  const pin = (id: unknown, ask = bob.ask) => ask('POST', `/v2/notes/${id}/pin`)
  const unpin = (id: unknown, ask = bob.ask) => ask('DELETE', `/v2/notes/${id}/pin`)
  const textsOn = async (video: string, query = '', ask = bob.ask) =>
    (await ask('GET', `/v2/videos/${video}/notes${query}`)).json().map(({ text }: { text: string }) => text)

  it('answers with the note as it then is, which every read shows', async () => {
    const video = newVideo()
    const note = await taken(bob.ask, video)
    expect(note.pinned).to.equal(false)
    for (const [ask, pinned] of [
      [pin, true],
      [unpin, false],
    ] as const) {
      const answer = await ask(note.id)
      expect(seen(answer)).to.deep.equal([200, JSON.stringify({ ...note, pinned })])
      const read = await bob.ask('GET', `/v2/notes/${note.id}`)
      expect([read.body, read.header('etag')]).to.deep.equal([answer.body, answer.header('etag')])
      expect((await bob.ask('GET', `/v2/videos/${video}/notes`)).body).to.equal(`[${answer.body}]`)
    }
  })

  it('twice is as good as once', async () => {
    const { id } = await taken(bob.ask)
    for (const ask of [pin, unpin]) {
      const first = await ask(id)
      const again = await ask(id)
      expect([...seen(again), again.header('etag')]).to.deep.equal([...seen(first), first.header('etag')])
    }
    expect(await api.eventsOf(`note-${id}`)).to.deep.equal(['NoteCreated', 'NotePinned', 'NoteUnpinned'])
  })

  it('of many at once leaves one event', async () => {
    const { id } = await taken(bob.ask)
    const answers = await Promise.all(Array.from({ length: 12 }, () => pin(id)))
    expect(new Set(answers.map((answer) => seen(answer).join(' '))).size).to.equal(1)
    expect(await api.eventsOf(`note-${id}`)).to.deep.equal(['NoteCreated', 'NotePinned'])
  })

  it('outlasts edits, and does not move updated_at', async () => {
    const note = await taken(bob.ask)
    const after = Date.parse(note.updated_at.replace('+0000', 'Z')) + 1000
    await eventually(() => expect(Date.now()).to.be.greaterThan(after))
    expect((await pin(note.id)).json().updated_at).to.equal(note.updated_at)
    const edit = { json: { text: 'y' } }
    expect((await bob.ask('PATCH', `/v2/notes/${note.id}`, edit)).json()).to.include({ text: 'y', pinned: true })
  })

  it('filters the list of a video, in its order; what is deleted is in no list', async () => {
    const video = newVideo()
    const ids: number[] = []
    for (const text of ['a', 'b', 'c', 'd']) ids.push((await taken(bob.ask, video, text)).id)
    await pin((await taken(alice.ask, video, 'of another')).id, alice.ask)
    // Not in the order in which they were pinned.
    for (const id of [ids[3], ids[0], ids[1]]) await pin(id)
    expect(await textsOn(video)).to.deep.equal(['a', 'b', 'c', 'd'])
    for (const word of ['true', '1', 'Yes']) expect(await textsOn(video, `?pinned=${word}`)).to.deep.equal(['a', 'b', 'd'])
    expect(await textsOn(video, '?pinned=false')).to.deep.equal(['c'])
    await bob.ask('DELETE', `/v2/notes/${ids[1]}`)
    await unpin(ids[0])
    expect(await textsOn(video, '?pinned=true')).to.deep.equal(['d'])
    expect(await textsOn(video, '?pinned=true', alice.ask)).to.deep.equal(['of another'])
    expect(await textsOn(newVideo(), '?pinned=true')).to.deep.equal([])
  })

  it('is filtered by a boolean only', async () => {
    for (const value of ['', 'maybe', '2', 'null'])
      expect(problems(await bob.ask('GET', `/v2/videos/${newVideo()}/notes?pinned=${value}`)), value).to.deep.equal([
        ['query.pinned', 'bool_parsing', 'Input should be a valid boolean, unable to interpret input'],
      ])
  })

  it('finds one’s own notes only, and those that are there', async () => {
    const { id } = await taken(bob.ask)
    const gone = (await taken(bob.ask)).id
    await bob.ask('DELETE', `/v2/notes/${gone}`)
    for (const ask of [pin, unpin]) {
      expect(seen(await ask(id, alice.ask))).to.deep.equal(NOT_FOUND)
      for (const nowhere of [gone, 999_999_999]) expect(seen(await ask(nowhere))).to.deep.equal(NOT_FOUND)
      expect(problems(await ask('x'))[0]).to.include('path.note_id')
      expect((await ask(id, api.ask)).status).to.equal(401)
    }
    expect(await api.eventsOf(`note-${id}`)).to.deep.equal(['NoteCreated'])
  })
})
