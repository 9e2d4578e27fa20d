import { expect } from 'chai'
import { HttpError } from '#platform/http/errors.ts'
import { openLogger } from '#platform/telemetry/logger.ts'
import { openTranscripts } from '#services/api/wiz/transcripts.ts'

const log = openLogger('test', 'silent')

/** A store that counts how often it is asked. */
function store(stored: Record<string, string | Error> = {}) {
  const asked: string[] = []
  return {
    asked,
    stored,
    put: async () => {},
    close() {},
    get: async (key: string) => {
      asked.push(key)
      await Promise.resolve()
      const found = stored[key]
      if (found instanceof Error) throw found
      return found === undefined ? undefined : Buffer.from(found)
    },
  }
}

const VIDEO = 'dQw4w9WgXcQ'
const KEY = `transcripts/${VIDEO}.json`
const rows = (text: string) => JSON.stringify([{ offset: 1, text }])

describe('transcripts at hand', () => {
  it('are fetched once, however many ask at the same time or later', async () => {
    const objects = store({ [KEY]: rows('a') })
    const transcripts = openTranscripts({ objects, log })
    const all = await Promise.all(Array.from({ length: 5 }, () => transcripts.of(VIDEO, 'sha')))
    for (const one of [...all, await transcripts.of(VIDEO, 'sha')]) expect(one).to.deep.equal([{ offset: 1, text: 'a' }])
    expect(objects.asked).to.deep.equal([KEY])
  })

  it('are fetched again when another one was stored', async () => {
    const objects = store({ [KEY]: rows('a') })
    const transcripts = openTranscripts({ objects, log })
    await transcripts.of(VIDEO, 'one')
    objects.stored[KEY] = rows('b')
    expect(await transcripts.of(VIDEO, 'other')).to.deep.equal([{ offset: 1, text: 'b' }])
  })

  it('take no more memory than they may', async () => {
    const ids = ['aaaaaaaaaaa', 'bbbbbbbbbbb', 'ccccccccccc']
    const objects = store(Object.fromEntries(ids.map((id) => [`transcripts/${id}.json`, rows('x'.repeat(400))])))
    const transcripts = openTranscripts({ objects, log }, 1_000)
    for (const id of [...ids, ...ids]) expect(await transcripts.of(id, 'sha')).to.have.length(1)
    expect(objects.asked).to.have.length(6)
    const small = openTranscripts({ objects, log }, 10)
    expect(await small.of(ids[0]!, 'sha'), 'also one that does not fit').to.have.length(1)
  })

  it('are looked for again when they were missing', async () => {
    const objects = store()
    const transcripts = openTranscripts({ objects, log })
    for (const broken of [undefined, '', '[]', '{"a":1}']) {
      if (broken !== undefined) objects.stored[KEY] = broken
      expect(await transcripts.of(VIDEO, 'sha'), broken).to.equal(undefined)
    }
    objects.stored[KEY] = rows('a')
    expect(await transcripts.of(VIDEO, 'sha')).to.have.length(1)
  })

  it('that cannot be read are no missing ones: the client is asked to come again', async () => {
    const objects = store({ [KEY]: new Error('the store is away') })
    const transcripts = openTranscripts({ objects, log })
    const error = await transcripts.of(VIDEO, 'sha').catch((caught) => caught)
    expect(error).to.be.instanceOf(HttpError)
    expect([error.status, error.headers]).to.deep.equal([503, ['Retry-After', '1']])
    objects.stored[KEY] = rows('a')
    expect(await transcripts.of(VIDEO, 'sha')).to.have.length(1)
  })
})
