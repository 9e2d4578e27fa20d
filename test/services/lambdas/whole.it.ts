import { expect } from 'chai'
import { client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type ModelServer, startModelServer } from '#test/kit/model-server.ts'
import { PARTS, type Stack, startStack } from '#test/kit/stack.ts'
import { type Aws, MODEL_KEY, NOTE, rows, SUMMARY, startAws } from './world.ts'

const VIDEO = 'dQw4w9WgXcQ'

describe('the Lambdas beside the real API', () => {
  let aws: Aws
  let model: ModelServer
  let stack: Stack
  before(async function () {
    this.timeout(60_000)
    aws = await startAws()
    model = await startModelServer()
    model.answer(({ body }) => [body.systemInstruction.parts[0].text.includes('You summarise') ? SUMMARY : NOTE])
    const env = { ...aws.env, SQS_DISPATCH_QUEUE_URL: aws.queues.dispatch, GEMINI_API_KEY: MODEL_KEY, GEMINI_BASE_URL: model.url }
    stack = await startStack(env, { parts: [...PARTS, 'lambda-runner'] })
  })
  after(async () => {
    await stack?.stop()
    await model.stop()
    await aws.stop()
  })

  it('give an empty note its text and a video its summary, and leave alone what the user wrote', async () => {
    const user = await newUser(stack.url)
    const admin = client(stack.url, stack.adminToken)
    await user.call('PATCH', '/v2/users/me', { ai_notes_enabled: true })
    const note = async (text?: string) => (await user.call('POST', `/v2/videos/${VIDEO}/notes`, { timestamp: '1:23', text })).body
    const [empty, taken, deleted] = [await note(), await note('mine'), await note()]
    await user.call('DELETE', `/v2/notes/${deleted.id}`)
    await admin.call('POST', `/v2/internal/videos/${VIDEO}/transcript`, { transcript: rows })

    // As S3 says it, to the queue of the dispatcher; that lists the notes and asks for each.
    const record = { eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3: { object: { key: `transcripts/${VIDEO}.json` } } }
    await aws.send(aws.queues.dispatch, { Records: [record] })
    // What the dispatcher would not ask for: a note with a text, and one that is gone.
    for (const { id } of [taken, deleted])
      await aws.send(aws.queues.notes, { id, video_id: VIDEO, timestamp: '1:23', user_id: 1 })

    const notes = async () => (await user.call('GET', `/v2/videos/${VIDEO}/notes`)).body
    await eventually(async () => {
      const [first, second] = await notes()
      expect([first, second].map(({ id, text, generated_by_ai }) => ({ id, text, generated_by_ai }))).to.deep.equal([
        { id: empty.id, text: NOTE, generated_by_ai: true },
        { id: taken.id, text: 'mine', generated_by_ai: false },
      ])
      expect((await user.call('GET', `/v2/videos/${VIDEO}`)).body.summary).to.equal(SUMMARY)
    })
    for (const queue of Object.values(aws.queues)) {
      await eventually(async () => expect(await aws.count(queue)).to.deep.equal({ visible: 0, hidden: 0 }))
      expect(await aws.count(aws.dead(queue))).to.deep.equal({ visible: 0, hidden: 0 })
    }
    expect(await notes()).to.have.length(2)
    expect((await notes())[1].text).to.equal('mine')
  })
})
