import { expect } from 'chai'
import type { Entry } from '#services/media-door/entries.ts'
import { type Handling, handle } from '#services/media-door/handle.ts'

const entry: Entry = {
  n: 1,
  what: 'flashcards',
  video_id: 'dQw4w9WgXcQ',
  job_id: 1,
  attempt: 1,
  correlation_id: null,
  causation_id: null,
  status: null,
  language: 'en',
  file_path: 's3://ours/flashcards/ada@example.com/cards.json',
}

describe('a file that cannot be read now', () => {
  it('is tried again, and what the store says of its path goes no further: it may hold the address of a user', async () => {
    // Stores say what was asked of them, and libraries keep that beside the message.
    const refused = Object.assign(new Error('Access Denied'), { name: 'AccessDenied', Key: entry.file_path })
    const handling = { bucket: 'ours', objects: { get: () => Promise.reject(refused) } } as unknown as Handling
    const error = await handle(entry, handling).then(
      () => expect.fail('it was handled'),
      (error) => error,
    )
    expect(error.message).to.equal('the store does not give the file of the flashcards: AccessDenied: Access Denied')
    expect(JSON.stringify([{ ...error }, error.cause])).to.not.contain('ada@')
  })
})
