import { createHash, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { withDeadLetters } from '#platform/sqs/dead-letters.ts'
import { deadLetterNameOf, ensureQueues } from '#platform/sqs/ensure.ts'
import { MAX_BYTES, type Queues, type Received } from '#platform/sqs/queues.ts'
import { redrive } from '#platform/sqs/redrive.ts'
import { eventually } from '#test/kit/eventually.ts'

/** What any server of queues must do for us, and what we make of it. */
export function queuesConformance(name: string, open: (test: Mocha.Context) => Promise<Queues>): void {
  describe(`queues in ${name}`, function () {
    this.timeout(60_000)
    let queues: Queues
    let url: string
    let deadUrl: string
    before(async function () {
      queues = await open(this)
    })
    after(() => queues?.close())
    beforeEach(async () => {
      const plan = { name: `test-${randomUUID()}`, visibilitySeconds: 30, maxReceiveCount: 2 }
      ;[deadUrl, url] = (await ensureQueues(queues, [plan])).map((one) => one.url) as [string, string]
    })

    const send = (...bodies: string[]) =>
      queues.sendBatch(
        url,
        bodies.map((body, i) => ({ id: `message ${i}`, body })),
      )
    const bodies = (received: Received[]) => received.map(({ body }) => body).sort()
    /** All that is there, however many requests that takes. */
    const receiveAll = async (from: string, count: number, visibilitySeconds?: number) => {
      const all: Received[] = []
      await eventually(async () => {
        all.push(...(await queues.receive(from, { waitSeconds: 1, visibilitySeconds })))
        expect(all.length).to.be.at.least(count)
      })
      return all
    }

    it('carry bodies to the letter, with their age and how often they were received', async () => {
      const before = Date.now()
      const texts = ['{"video_id":"dQw4w9WgXcQ","text":"é😀 \\"<&>\\" \\n\\t"}', ' leading and trailing ', '{}']
      const sent = await send(...texts)
      expect(sent.map(({ id, refusal }) => [id, refusal])).to.deep.equal(texts.map((_, i) => [`message ${i}`, undefined]))
      const received = await receiveAll(url, 3)
      expect(bodies(received)).to.deep.equal([...texts].sort())
      expect(received.map(({ messageId }) => messageId).sort()).to.deep.equal(sent.map(({ messageId }) => messageId).sort())
      for (const { body, receiveCount, sentAt, systemAttributes, md5OfBody } of received) {
        expect([receiveCount, systemAttributes.ApproximateReceiveCount]).to.deep.equal([1, '1'])
        expect(md5OfBody).to.equal(createHash('md5').update(body).digest('hex'))
        expect(sentAt).to.be.within(before - 1_000, Date.now() + 1_000)
      }
    })

    it('carry text beside the body', async () => {
      const attributes = { cause: 'there is no such video: “é”', more: 'x' }
      expect((await queues.sendBatch(url, [{ id: '1', body: '{}', attributes }]))[0]!.refusal).to.equal(undefined)
      const [received] = await receiveAll(url, 1)
      const text = Object.entries(received!.attributes).map(([name, { type, text }]) => [name, type, text])
      expect(Object.fromEntries(text.map(([name, , text]) => [name, text]))).to.deep.equal(attributes)
      expect(text.map(([, type]) => type)).to.deep.equal(['String', 'String'])
    })

    it('take more messages than a request may hold', async () => {
      const texts = Array.from({ length: 23 }, (_, i) => `${String(i).padStart(2, '0')}${'x'.repeat(150_000)}`)
      const sent = await send(...texts)
      expect(sent.filter(({ refusal }) => refusal)).to.deep.equal([])
      expect(bodies(await receiveAll(url, 23)).map((body) => body.slice(0, 2))).to.deep.equal(texts.map((one) => one.slice(0, 2)))
    })

    it('take a message of 1 MiB, and refuse a larger one alone', async () => {
      const sent = await send('a', 'x'.repeat(MAX_BYTES + 1), 'y'.repeat(MAX_BYTES), 'b')
      expect(sent.map(({ refusal }) => refusal?.code)).to.deep.equal([undefined, 'MessageTooLong', undefined, undefined])
      expect(sent[1]!.refusal!.isOurFault).to.equal(true)
      expect((await receiveAll(url, 3)).map(({ body }) => body.length).sort()).to.deep.equal([1, 1, MAX_BYTES])
    })

    it('deliver again what was not deleted, and never what was', async () => {
      await send('kept', 'deleted')
      const first = await receiveAll(url, 2, 1)
      const { receipt } = first.find(({ body }) => body === 'deleted')!
      expect(await queues.delete(url, [receipt])).to.have.property('size', 0)
      const [again] = await receiveAll(url, 1)
      expect(again).to.include({ body: 'kept', receiveCount: 2 })
      expect(await queues.receive(url)).to.deep.equal([])
      const { visible, inFlight } = await queues.attributes(url)
      expect({ visible, inFlight }).to.deep.equal({ visible: 0, inFlight: 1 })
    })

    it('hide a message for longer, or for no longer', async () => {
      await send('one', 'two')
      const first = await receiveAll(url, 2, 1)
      const receiptOf = (text: string) => first.find(({ body }) => body === text)!.receipt
      expect((await queues.extend(url, [receiptOf('one')], 30)).size).to.equal(0)
      expect((await queues.extend(url, [receiptOf('two')], 0)).size).to.equal(0)
      expect((await receiveAll(url, 1)).map(({ body }) => body)).to.deep.equal(['two'])
      // Longer than the second for which both were hidden at first.
      expect(await queues.receive(url, { waitSeconds: 2 })).to.deep.equal([])
    })

    it('tell which receipts they refuse', async () => {
      await send('one')
      const [{ receipt }] = (await receiveAll(url, 1)) as [Received]
      const refused = await queues.extend(url, ['not a receipt', receipt], 30)
      expect([...refused.keys()]).to.deep.equal(['not a receipt'])
      expect(refused.get('not a receipt')).to.include({ code: 'ReceiptHandleIsInvalid', isOurFault: true })
    })

    it('wake who waits as soon as a message comes', async () => {
      const waiting = queues.receive(url, { waitSeconds: 20 })
      await new Promise((resolve) => setTimeout(resolve, 300))
      const sentAt = performance.now()
      await send('here')
      expect(bodies(await waiting)).to.deep.equal(['here'])
      expect(performance.now() - sentAt).to.be.below(2_000)
    })

    it('wake who waits as soon as a message becomes visible again', async () => {
      await send('here')
      await receiveAll(url, 1, 2)
      const started = performance.now()
      expect(bodies(await queues.receive(url, { waitSeconds: 20 }))).to.deep.equal(['here'])
      expect(performance.now() - started).to.be.within(500, 6_000)
    })

    it('end a wait at once when asked to', async () => {
      const abort = new AbortController()
      const waiting = queues.receive(url, { waitSeconds: 20, signal: abort.signal })
      setTimeout(() => abort.abort(), 200)
      const started = performance.now()
      expect(await waiting).to.deep.equal([])
      expect(performance.now() - started).to.be.below(2_000)
    })

    it('put a message that was received too often among the dead letters, as it was', async () => {
      await send('deadly', 'harmless')
      const harmless = (await receiveAll(url, 2, 0)).find(({ body }) => body === 'harmless')!
      expect(harmless).to.not.equal(undefined)
      await eventually(async () => {
        const received = await queues.receive(url, { visibilitySeconds: 1 })
        await queues.delete(
          url,
          received.filter(({ body }) => body === 'harmless').map(({ receipt }) => receipt),
        )
        const { dead } = await withDeadLetters(queues, url)
        expect(dead!.attributes.visible).to.be.at.least(1)
      })
      expect(bodies(await receiveAll(deadUrl, 1))).to.include('deadly')
    })

    it('get dead letters back with bodies and attributes as they were, the trace of their request among them', async () => {
      const attributes = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
      const n = { type: 'Number', text: '42' }
      const raw = { type: 'Binary', bytes: Uint8Array.from([0, 255, 7]) }
      await queues.sendBatch(deadUrl, [
        { id: '1', body: 'with', attributes: { ...attributes, n, raw } },
        { id: '2', body: 'without' },
      ])
      expect(await redrive(queues, { from: deadUrl, to: url })).to.deep.equal({ moved: 2 })
      const received = await receiveAll(url, 2)
      const texts = received.map(({ body, attributes }) => [body, attributes.traceparent?.text])
      expect(Object.fromEntries(texts)).to.deep.equal({ with: attributes.traceparent, without: undefined })
      const full = received.find(({ body }) => body === 'with')!.attributes
      expect([full.n, full.raw!.type, [...full.raw!.bytes!]]).to.deep.equal([n, 'Binary', [0, 255, 7]])
    })

    it('are made once, and brought up to date with what lies in them', async () => {
      await send('still here')
      const name = url.split('/').at(-1)!
      const plan = { name, visibilitySeconds: 30, maxReceiveCount: 2 }
      expect((await ensureQueues(queues, [plan])).flatMap(({ changed }) => changed)).to.deep.equal([])
      const changed = await ensureQueues(queues, [{ name, visibilitySeconds: 180, maxReceiveCount: 5 }])
      expect(changed.map((one) => [one.name, one.changed])).to.deep.equal([
        [deadLetterNameOf(name), []],
        [name, ['VisibilityTimeout', 'RedrivePolicy']],
      ])
      const { visibilitySeconds, deadLetters } = await queues.attributes(url)
      expect({ visibilitySeconds, maxReceiveCount: deadLetters!.maxReceiveCount }).to.deep.equal({
        visibilitySeconds: 180,
        maxReceiveCount: 5,
      })
      expect(bodies(await receiveAll(url, 1))).to.deep.equal(['still here'])
    })

    it('that do not exist are an error to readers, a refusal to senders, and undefined to who asks for them', async () => {
      const nowhere = url.replace(/[^/]*$/, 'nowhere')
      expect(await queues.urlOf('nowhere')).to.equal(undefined)
      expect(await queues.receive(nowhere).catch((error) => error.name)).to.equal('QueueDoesNotExist')
      const [sent] = await queues.sendBatch(nowhere, [{ id: 'a', body: 'b' }])
      expect(sent!.refusal).to.include({ code: 'QueueDoesNotExist', isSetup: true })
    })
  })
}
