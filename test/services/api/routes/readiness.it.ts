import { expect } from 'chai'
import { command, emit } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import { videos } from '#events/video.ts'
import { eventually } from '#test/kit/eventually.ts'
import { metadataStored, summaryStored, transcriptStored, videoTitled } from '#test/kit/histories.ts'
import { written } from '#test/platform/http/raw.ts'
import { type InProcess, type InProcessOptions, startInProcess } from './in-process.ts'
import { A_TIME, asking, newVideo, type Person, refusal, seen, someone } from './kit.ts'
import { END, type Stream, shape, watch } from './watch.ts'

const GUEST = { 'X-Guest-Session-ID': 'a guest' }
/** Longer than any test takes. */
const NEVER_MS = 60_000

describe('the stream of a video that becomes ready', () => {
  const running: InProcess[] = []
  let api: InProcess
  const start = async (options: InProcessOptions = {}) => {
    const started = await startInProcess({ ...options, readiness: { holdMs: 0, endMs: NEVER_MS, ...options.readiness } })
    running.push(started)
    return started
  }
  before(async function () {
    this.timeout(60_000)
    api = await start()
  })
  after(() => Promise.all(running.map((one) => one.stop())))

  const happened = (videoId: string, events: NewEvent[], { execute }: InProcess = api) => {
    const reads = { video: videos.of(videoId) }
    return execute(command({ name: 'happened', reads, decide: () => emit(events, {}) }), { actor: null, correlationId: null })
  }
  /** A video that somebody took a note on. */
  const known = async (person: Person, json: object = { timestamp: '0:01' }) => {
    const videoId = newVideo()
    expect((await person.ask('POST', `/v2/videos/${videoId}/notes`, { json })).status).to.equal(201)
    return videoId
  }
  const bearer = ({ token }: Person) => ({ Authorization: `Bearer ${token}` })
  const parts = (videoId: string) => ({
    m: metadataStored({ videoId }),
    t: transcriptStored({ videoId }),
    s: summaryStored({ videoId }),
  })

  it('tells the video at once, to the letter', async () => {
    const bob = await someone(api.url)
    const videoId = await known(bob, { timestamp: '0:01', video_title: 'Café "😀"' })
    await happened(videoId, [metadataStored({ videoId, metadata: '{"1":12345678901234567890, "0":[1.50,"é,:"]}' })])
    const { id, created_at, updated_at } = await eventually(async () => {
      const video = (await bob.ask('GET', `/v2/videos/${videoId}`)).json()
      expect(video.metadata).to.not.equal(null)
      return video
    })
    expect(created_at).to.match(A_TIME)
    const stream = await watch(api.url, videoId, bearer(bob))
    expect(await stream.next()).to.equal(
      `event: snapshot\ndata: {"event": "snapshot", "video": {"id": ${id}, "video_id": "${videoId}", "title": "Caf\\u00e9 \\"\\ud83d\\ude00\\"", ` +
        `"metadata": {"1": 12345678901234567890, "0": [1.50, "\\u00e9,:"]}, "transcript_available": false, "summary": null, "suggested_questions": null, ` +
        `"created_at": "${created_at}", "updated_at": "${updated_at}"}}\n\n`,
    )
    stream.connection.socket.destroy()
  })

  for (const order of ['mts', 'mst', 'tms', 'tsm', 'smt', 'stm'])
    it(`tells each part as it comes (${order}), and that it is done with the last`, async () => {
      const videoId = await known(await someone(api.url))
      const stream = await watch(api.url, videoId, GUEST)
      expect(await stream.told(1)).to.deep.equal(['snapshot ---'])
      let has = ''
      const now = () => [...'mts'].map((part) => (has.includes(part) ? part : '-')).join('')
      for (const part of order) {
        await happened(videoId, [parts(videoId)[part as 'm']])
        has += part
        expect(await stream.told(1)).to.deep.equal([`update ${now()}`])
      }
      expect(await stream.told(2)).to.deep.equal(['done mts', END])
      stream.connection.socket.destroy()
    })

  it('says of one that is ready that it is done, also when its parts are empty', async () => {
    const videoId = await known(await someone(api.url))
    await happened(videoId, [
      metadataStored({ videoId, metadata: '{}' }),
      transcriptStored({ videoId }),
      summaryStored({ videoId, summary: '' }),
    ])
    await eventually(async () => {
      const stream = await watch(api.url, videoId, GUEST)
      const told = await stream.told(1)
      if (told[0] === 'snapshot mts') expect(await stream.told(2)).to.deep.equal(['done mts', END])
      stream.connection.socket.destroy()
      expect(told).to.deep.equal(['snapshot mts'])
    })
  })

  it('does not tell that only a text changed, but what it changed to with the next part', async () => {
    const videoId = await known(await someone(api.url))
    const stream = await watch(api.url, videoId, GUEST)
    await happened(videoId, [summaryStored({ videoId, summary: 'first' })])
    expect(await stream.told(2)).to.deep.equal(['snapshot ---', 'update --s'])
    await happened(videoId, [videoTitled({ videoId, title: 'a title' })])
    await happened(videoId, [summaryStored({ videoId, summary: 'second' })])
    await happened(videoId, [metadataStored({ videoId, metadata: '{"v":1}' })])
    const frame = await stream.next()
    expect(shape(frame)).to.equal('update m-s')
    expect(frame).to.contain('"title": "a title"').and.contain('"summary": "second"')
    await happened(videoId, [metadataStored({ videoId, metadata: '{"v":2}' })])
    await happened(videoId, [transcriptStored({ videoId })])
    expect(await stream.told(3)).to.deep.equal(['update mts', 'done mts', END])
    stream.connection.socket.destroy()
  })

  it('tells also that a part is lost', async () => {
    const videoId = await known(await someone(api.url))
    const stream = await watch(api.url, videoId, GUEST)
    await happened(videoId, [transcriptStored({ videoId })])
    expect(await stream.told(2)).to.deep.equal(['snapshot ---', 'update -t-'])
    await happened(videoId, [transcriptStored({ videoId, rows: 0 })])
    expect(await stream.told(1)).to.deep.equal(['update ---'])
    stream.connection.socket.destroy()
  })

  describe('may be watched', () => {
    const missing = refusal(404, 'Video not found')

    it('by a guest, and by who has a note on it, whatever guest header comes along', async () => {
      const [bob, eve] = [await someone(api.url), await someone(api.url)]
      const videoId = await known(bob)
      for (const [headers, status] of [
        [bearer(bob), 200],
        [{ ...bearer(bob), ...GUEST }, 200],
        [GUEST, 200],
        [bearer(eve), 404],
        [{ ...bearer(eve), ...GUEST }, 404],
        [{ Authorization: 'Bearer garbage', ...GUEST }, 200],
        [{ Authorization: 'Bearer garbage' }, 401],
        [{}, 401],
      ] as const) {
        const stream = await watch(api.url, videoId, headers)
        expect([headers, stream.status]).to.deep.equal([headers, status])
        stream.connection.socket.destroy()
      }
      const [note] = (await bob.ask('GET', `/v2/videos/${videoId}/notes`)).json()
      await bob.ask('DELETE', `/v2/notes/${note.id}`)
      expect(seen(await bob.ask('GET', `/v2/videos/${videoId}/stream`))).to.deep.equal(missing)
    })

    it('only if it is there', async () => {
      const bob = await someone(api.url)
      expect(seen(await bob.ask('GET', `/v2/videos/${newVideo()}/stream`))).to.deep.equal(missing)
      expect(seen(await asking(api.url)('GET', `/v2/videos/${newVideo()}/stream`, { headers: GUEST }))).to.deep.equal(missing)
    })

    it('by who has a conversation about it', async () => {
      const [bob, eve] = [await someone(api.url), await someone(api.url)]
      const videoId = await known(bob)
      expect(seen(await eve.ask('GET', `/v2/videos/${videoId}/stream`))).to.deep.equal(missing)
      await eve.ask('POST', '/v2/conversations', { json: { video_id: videoId } })
      const stream = await watch(api.url, videoId, bearer(eve))
      expect([stream.status, await stream.told(1)]).to.deep.equal([200, ['snapshot ---']])
      stream.connection.socket.destroy()
    })

    it('by who comes a moment early: its answer waits for the video, the note or the conversation', async () => {
      const patient = await start({ readiness: { holdMs: NEVER_MS } })
      const [bob, eve, kim] = [await someone(patient.url), await someone(patient.url), await someone(patient.url)]
      const videoId = newVideo()
      const [bobs, eves, kims, guests] = [bearer(bob), bearer(eve), bearer(kim), GUEST].map((headers) =>
        watch(patient.url, videoId, headers),
      )
      await eventually(() => expect(patient.changes.subscribers()).to.equal(4))
      const note = { json: { timestamp: '0:01' } }
      const shown = async (waiting: Promise<Stream> | undefined) => {
        const stream = (await waiting)!
        expect([stream.status, await stream.told(1)]).to.deep.equal([200, ['snapshot ---']])
        stream.connection.socket.destroy()
      }
      await bob.ask('POST', `/v2/videos/${videoId}/notes`, note)
      await shown(bobs)
      await shown(guests)
      await eve.ask('POST', `/v2/videos/${videoId}/notes`, note)
      await shown(eves)
      await kim.ask('POST', '/v2/conversations', { json: { video_id: videoId } })
      await shown(kims)
      await eventually(() => expect(patient.changes.subscribers()).to.equal(0))
    })

    it('by nobody who came too early by more than a moment', async () => {
      const hasty = await start({ readiness: { holdMs: 50 } })
      const ask = asking(hasty.url)
      expect(seen(await ask('GET', `/v2/videos/${newVideo()}/stream`, { headers: GUEST }))).to.deep.equal(missing)
      expect(hasty.changes.subscribers()).to.equal(0)
    })
  })

  describe('ends', () => {
    it('without a word when it took too long', async () => {
      const hasty = await start({ readiness: { endMs: 200 } })
      const videoId = await known(await someone(hasty.url))
      const stream = await watch(hasty.url, videoId, GUEST)
      const told: string[] = []
      for (let frame = await stream.next(); frame !== END; frame = await stream.next()) told.push(shape(frame))
      // On a busy machine it may take too long before there is anything to tell.
      expect(['', 'snapshot ---']).to.include(told.join())
      stream.connection.write(written('GET', '/health'))
      expect((await stream.connection.answer()).status).to.equal(200)
      stream.connection.socket.destroy()
    })

    it('in time also while the database does not answer', async () => {
      const hasty = await start({ readiness: { endMs: 3_000 } })
      const videoId = await known(await someone(hasty.url))
      const stream = await watch(hasty.url, videoId, GUEST)
      expect(await stream.told(1)).to.deep.equal(['snapshot ---'])
      await hasty.db.tx(async (tx) => {
        await tx.query('lock table views.videos in access exclusive mode')
        await hasty.db.query('wake', `select log.tell_checkpoints('videos', 'vidwiz.videos', '{}')`)
        expect(await stream.next()).to.equal(END)
      })
      stream.connection.socket.destroy()
    })

    it('when the server stops (P12)', async () => {
      const stopping = await startInProcess()
      const videoId = await known(await someone(stopping.url))
      const streams = await Promise.all(Array.from({ length: 20 }, () => watch(stopping.url, videoId, GUEST)))
      for (const stream of streams) expect(await stream.told(1)).to.deep.equal(['snapshot ---'])
      const stopped = stopping.stop()
      for (const stream of streams) expect(await stream.next()).to.equal(END)
      await stopped
      for (const stream of streams) await stream.connection.closed
    })
  })

  describe('with many viewers', () => {
    const crowd = (size: number, videoIds: string[], headers: Record<string, string> = GUEST) =>
      Promise.all(Array.from({ length: size }, (_, i) => watch(api.url, videoIds[i % videoIds.length]!, headers)))

    it('tells each of them what becomes of their video, and keeps nothing of those who have left', async () => {
      const bob = await someone(api.url)
      const [mine, other] = [await known(bob), await known(bob)]
      const before = api.changes.subscribers()
      const streams = await crowd(60, [mine, other])
      expect(api.changes.subscribers()).to.equal(before + 60)
      await happened(mine, Object.values(parts(mine)))
      for (const [i, stream] of streams.entries()) {
        expect(await stream.told(1)).to.deep.equal(['snapshot ---'])
        if (i % 2 === 0) expect(await stream.told(3)).to.deep.equal(['update mts', 'done mts', END])
      }
      await eventually(() => expect(api.changes.subscribers()).to.equal(before + 30))
      await happened(other, [parts(other).t])
      for (const [i, stream] of streams.entries()) {
        if (i % 2 === 1) expect(await stream.told(1)).to.deep.equal(['update -t-'])
        if (i % 4 === 1) stream.connection.socket.resetAndDestroy()
        else stream.connection.socket.end()
      }
      await eventually(() => expect(api.changes.subscribers()).to.equal(before))
    })

    it('bears that all of them come back at once, again and again', async () => {
      const bob = await someone(api.url)
      const videoIds = [await known(bob), await known(bob), await known(bob)]
      const before = api.changes.subscribers()
      for (let round = 0; round < 3; round++) {
        const streams = await crowd(200, videoIds, round === 1 ? bearer(bob) : GUEST)
        const told = await Promise.all(streams.map((stream) => stream.told(1)))
        expect(told.flat()).to.deep.equal(Array(200).fill('snapshot ---'))
        for (const { connection } of streams) connection.socket.resetAndDestroy()
      }
      await eventually(() => expect(api.changes.subscribers()).to.equal(before))
    })

    it('tells what happened while every connection to the database was cut', async () => {
      const videoId = await known(await someone(api.url))
      const streams = await crowd(5, [videoId])
      for (const stream of streams) expect(await stream.told(1)).to.deep.equal(['snapshot ---'])
      await api.db.query(
        'cut',
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      await eventually(() => happened(videoId, [parts(videoId).m]))
      for (const stream of streams) {
        expect(await stream.told(1)).to.deep.equal(['update m--'])
        stream.connection.socket.destroy()
      }
    })
  })
})
