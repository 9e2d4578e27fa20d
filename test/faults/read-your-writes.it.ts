import { expect } from 'chai'
import pg from 'pg'
import { type Client, client, newUser } from '#test/kit/client.ts'
import { freePort } from '#test/kit/free-port.ts'
import { type Running, vidwiz } from '#test/kit/run.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

const CLIENTS = 16
const PAIRS = 200

describe('P5: reading right after writing', function () {
  this.timeout(180_000)
  let stack: Stack
  before(async () => {
    stack = await startStack()
  })
  after(() => stack?.stop())

  it(`shows what was written, for ${CLIENTS} clients with ${PAIRS} writes and reads each, not one stale`, async () => {
    const stale: string[] = []
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, c) => {
        const person = await newUser(stack.url)
        const own = `own${String(c).padStart(8, '0')}`
        for (let n = 0; n < PAIRS; n++) {
          const video = n % 2 === 0 ? 'sharedvideo' : own
          const created = await person.call('POST', `/v2/videos/${video}/notes`, {
            timestamp: '0:01',
            text: `n${n}`,
            video_title: video,
          })
          expect(created.status).to.equal(201)
          const { id } = created.body
          const read = () =>
            person
              .call('GET', `/v2/videos/${video}/notes`)
              .then(({ body }) => body.find((note: { id: number }) => note.id === id))
          if ((await read())?.text !== `n${n}`) stale.push(`${c}/${n} created`)
          const listed = (await person.call('GET', `/v2/videos?q=${video}`)).body
          if (!listed.videos.some((v: { video_id: string }) => v.video_id === video)) stale.push(`${c}/${n} listed`)
          if (n % 4 === 0) {
            await person.call('PATCH', `/v2/notes/${id}`, { text: 'edited' })
            if ((await read())?.text !== 'edited') stale.push(`${c}/${n} edited`)
          }
          if (n % 4 === 2) {
            await person.call('DELETE', `/v2/notes/${id}`)
            if (await read()) stale.push(`${c}/${n} deleted`)
          }
        }
        const renamed = await person.call('PATCH', '/v2/users/me', { name: `New name ${c}` })
        expect(renamed.status).to.equal(200)
        if ((await person.call('GET', '/v2/users/me')).body.name !== `New name ${c}`) stale.push(`${c} renamed`)
      }),
    )
    expect(stale).to.deep.equal([])
  })

  it('never calls a note visible before the video is that somebody else has just added', async () => {
    const [other, person] = [await newUser(stack.url), await newUser(stack.url)]
    const path = '/v2/videos/brandnewvid/notes'
    const note = { timestamp: '0:01', text: 'a note' }
    const holder = new pg.Client({ connectionString: stack.databaseUrl })
    await holder.connect()
    try {
      await holder.query('begin')
      await holder.query('lock table views.videos in share row exclusive mode')
      expect((await other.call('POST', path, note)).headers.get('vidwiz-visible')).to.equal('false')
      expect((await person.call('POST', path, note)).headers.get('vidwiz-visible')).to.equal('false')
      const waiting = person.call('POST', path, note)
      await holder.query('rollback')
      expect((await waiting).headers.get('vidwiz-visible')).to.equal(null)
      expect((await person.call('GET', '/v2/videos')).body.total).to.equal(1)
    } finally {
      await holder.end()
    }
  })
})

describe('P5: reading in one process what was written in another', function () {
  this.timeout(120_000)
  const video = 'dQw4w9WgXcQ'
  let stack: Stack
  let other: Running
  let person: Awaited<ReturnType<typeof newUser>>
  /** Asks the other process. */
  let there: Client

  before(async () => {
    stack = await startStack()
    const PORT = String(await freePort())
    other = vidwiz(['run', 'api'], { ...stack.env, PORT, LOG_LEVEL: 'info' })
    await other.prints(/"msg":"ready"/)
    person = await newUser(stack.url)
    there = client(`http://127.0.0.1:${PORT}`, person.token)
  })
  after(async () => {
    other?.process.kill('SIGTERM')
    await other?.finished
    await stack?.stop()
  })

  const write = async (text: string) => {
    const answer = await person.call('POST', `/v2/videos/${video}/notes`, { timestamp: '0:01', text })
    expect(answer.status).to.equal(201)
    return { position: answer.headers.get('vidwiz-position')!, visible: answer.headers.get('vidwiz-visible') }
  }
  const read = async (position?: string, path = `/v2/videos/${video}/notes`) => {
    const startedAt = performance.now()
    const { status, headers, body } = await there.call('GET', path, undefined, position ? { 'VidWiz-Position': position } : {})
    const texts = Array.isArray(body) ? body.map(({ text }: { text: string }) => text) : undefined
    return { status, visible: headers.get('vidwiz-visible'), texts, tookMs: performance.now() - startedAt }
  }

  it('does not wait for what can be seen already', async () => {
    const { position, visible } = await write('first')
    expect([position.split(',').map((place) => place.replace(/\d+\.\d+$/, '')), visible]).to.deep.equal([
      ['videos.', 'notes.'],
      null,
    ])
    const seen = await read(position)
    expect([seen.texts, seen.visible]).to.deep.equal([['first'], null])
  })

  it('waits until the views show it; and says so when they do not', async () => {
    await stack.signal('projector', 'SIGSTOP')
    const { position, visible } = await write('second')
    expect(visible).to.equal('false')
    const unaware = await read()
    expect([unaware.texts, unaware.visible], 'who does not say what it wrote gets what there is').to.deep.equal([['first'], null])
    const late = await read(position)
    expect([late.texts, late.visible]).to.deep.equal([['first'], 'false'])
    expect(late.tookMs).to.be.within(1_900, 6_000)

    const patient = read(position)
    await stack.signal('projector', 'SIGCONT')
    const seen = await patient
    expect([seen.texts, seen.visible]).to.deep.equal([['first', 'second'], null])
    expect((await read(position, '/v2/users/me')).status, 'of other views').to.equal(200)
  })

  it('waits for nothing that is not in the log, and lets one person hold up only so much', async () => {
    const { position } = await write('third')
    const [, topic, partition, pos] = /(notes)\.(\d+)\.(\d+)/.exec(position)!
    const beyond = await read(`${topic}.${partition}.${Number(pos) + 1_000_000}`)
    expect([beyond.status, beyond.visible, beyond.tookMs < 1_500]).to.deep.equal([200, 'false', true])
    expect((await read('notes.99.1')).status).to.equal(400)

    const elsewhere = `${topic}.${(Number(partition) + 1) % 12}.${pos}`
    const forged = await Promise.all(Array.from({ length: 48 }, () => read(elsewhere)))
    expect(forged.filter(({ tookMs }) => tookMs < 1_500)).to.have.length(16)
    expect(new Set(forged.map(({ status, visible }) => `${status} ${visible}`))).to.deep.equal(new Set(['200 false']))
  })
})
