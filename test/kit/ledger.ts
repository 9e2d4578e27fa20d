import { expect } from 'chai'
import { type Client, newUser } from './client.ts'

/** The notes that one client must find, by id, according to the answers it got. */
type Ledger = Map<number, { video: string; timestamp: string; text: string | null }>

export interface LoadOptions {
  url: string
  clients: number
  /** Number of videos, shared by all clients. */
  videos?: number
}

/** Clients that write without pause and remember every answer. */
export interface Load {
  answered(): number
  /** Lets all clients finish their current request. */
  stop(): Promise<void>
  /** Compares the API's notes with the answers: nothing lost, nothing duplicated, nothing else. */
  audit(): Promise<void>
}

/** Starts writers: each creates, edits and deletes its own notes, one request at a time, until stopped. */
export async function startLoad({ url, clients, videos = 5 }: LoadOptions): Promise<Load> {
  let stopped = false
  let answered = 0
  const people = await Promise.all(Array.from({ length: clients }, () => newUser(url)))
  const ledgers: Ledger[] = people.map(() => new Map())
  const videoIds = Array.from({ length: videos }, (_, i) => `video${String(i).padStart(6, '0')}`)

  async function write(person: Client, ledger: Ledger, n: number) {
    const own = [...ledger.keys()]
    const action = own.length < 3 ? 'create' : (['create', 'edit', 'create', 'edit', 'delete'] as const)[n % 5]
    if (action === 'create') {
      const video = videoIds[n % videoIds.length]!
      const note = { timestamp: `${n % 60}:00`, text: `note ${n}` }
      const { status, body } = await person.surely('POST', `/v2/videos/${video}/notes`, {
        ...note,
        video_title: `Video ${video}`,
      })
      expect(status, JSON.stringify(body)).to.equal(201)
      expect(ledger.has(body.id), 'an id was given twice').to.equal(false)
      ledger.set(body.id, { video, ...note })
    } else {
      const id = own[(n * 7) % own.length]!
      const text = `edited ${n}`
      const { status, body } = await (action === 'edit'
        ? person.surely('PATCH', `/v2/notes/${id}`, { text })
        : person.surely('DELETE', `/v2/notes/${id}`))
      expect(status, JSON.stringify(body)).to.equal(200)
      if (action === 'edit') ledger.get(id)!.text = text
      else ledger.delete(id)
    }
    answered++
  }

  const writing = people.map(async (person, i) => {
    for (let n = 0; !stopped; n++) await write(person, ledgers[i]!, n)
  })
  // Avoids unhandledRejection; `stop` reports the failure.
  for (const one of writing) one.catch(() => {})

  return {
    answered: () => answered,
    async stop() {
      stopped = true
      await Promise.all(writing)
    },
    async audit() {
      await Promise.all(people.map((person, i) => auditOne(person, ledgers[i]!, videoIds)))
    },
  }
}

async function auditOne(person: Client, ledger: Ledger, videoIds: string[]) {
  const found: Ledger = new Map()
  for (const video of videoIds) {
    const { body } = await person.surely('GET', `/v2/videos/${video}/notes`)
    for (const note of body) found.set(note.id, { video, timestamp: note.timestamp, text: note.text })
  }
  expect(Object.fromEntries(found)).to.deep.equal(Object.fromEntries(ledger))
  const noted = new Set([...ledger.values()].map(({ video }) => video))
  const { body } = await person.surely('GET', '/v2/videos?per_page=50')
  expect(new Set(body.videos.map((v: { video_id: string }) => v.video_id))).to.deep.equal(noted)
  expect(body.total).to.equal(noted.size)
}
