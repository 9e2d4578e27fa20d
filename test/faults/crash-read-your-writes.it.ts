import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Client, newUser } from '#test/kit/client.ts'
import { type CrashingPostgres, crashingPostgres } from '#test/kit/crashing-postgres.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

/** More of them in the long suite. */
const CRASHES = Number(process.env.FAULT_ROUNDS ?? 3)
const CLIENTS = 16
const RETRY_MS = 20

describe(`P5: ${CRASHES} times kill -9 of the database while clients write and read`, function () {
  this.timeout(60_000 + CRASHES * 20_000)
  let postgres: CrashingPostgres
  let stack: Stack
  before(async () => {
    postgres = await crashingPostgres()
    stack = await startStack({}, { database: { url: postgres.url, drop: postgres.stop } })
  })
  after(() => stack?.stop())

  interface Seen {
    reads: number
    hedged: number
    /** Answered from an older view without saying so. */
    wrong: string[]
    /** Read without a position, from an older view. */
    older: number
  }

  /** Edits a note of its own again and again, and reads it after each answer: with the position, and without. */
  async function person(client: Client, n: number, seen: Seen, isOver: () => boolean) {
    const video = `video${String(n).padStart(6, '0')}`
    const notes = `/v2/videos/${video}/notes`
    const { body: note } = await client.surely('POST', notes, { timestamp: '1:00', text: '0', video_title: 'x' })
    for (let i = 1; !isOver(); i++) {
      const written = await client.surely('PATCH', `/v2/notes/${note.id}`, { text: String(i) })
      expect(written.status).to.equal(200)
      const position = written.headers.get('vidwiz-position')!
      for (let read = 0; read < 3; read++) {
        const isPlain = read === 2
        const answer = await client
          .call('GET', notes, undefined, isPlain ? {} : { 'vidwiz-position': position })
          .catch(() => undefined)
        if (answer?.status !== 200) {
          await sleep(RETRY_MS)
          continue
        }
        seen.reads++
        const text = answer.body[0]?.text
        if (answer.headers.get('vidwiz-visible') === 'false') seen.hedged++
        else if (text !== String(i)) isPlain ? seen.older++ : seen.wrong.push(`${text} of ${i} by person ${n}`)
      }
    }
  }

  it('no read with a position is answered from an older view without saying so', async () => {
    const people = await Promise.all(Array.from({ length: CLIENTS }, () => newUser(stack.url)))
    const seen: Seen = { reads: 0, hedged: 0, wrong: [], older: 0 }
    let isOver = false
    const all = Promise.all(people.map((client, n) => person(client, n, seen, () => isOver)))
    all.catch(() => {})
    for (let crash = 0; crash < CRASHES; crash++) {
      const before = seen.reads
      while (seen.reads < before + 300) await sleep(20)
      await postgres.crash()
    }
    const before = seen.reads
    while (seen.reads < before + 300) await sleep(20)
    isOver = true
    await all
    console.log(`      ${seen.reads} reads, ${seen.hedged} said that they may be older, ${seen.older} without a position were`)
    expect(seen.wrong).to.deep.equal([])
  })
})
