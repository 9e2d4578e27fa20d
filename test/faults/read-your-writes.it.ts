import { expect } from 'chai'
import pg from 'pg'
import { newUser } from '#test/kit/client.ts'
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
