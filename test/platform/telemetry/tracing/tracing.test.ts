import { expect } from 'chai'
import { MOST_LINKS, spanContextOf } from '#platform/telemetry/tracing/opentelemetry.ts'
import { quietly, span, traceparentOr } from '#platform/telemetry/tracing/tracing.ts'
import { idOf, type TracedHere, traceHere, traceparentOf } from '#test/kit/tracing.ts'

const of = (n: number) => `00-${String(n).padStart(32, 'a')}-${String(n).padStart(16, 'b')}-01`
const boom = () => {
  throw Object.assign(new TypeError('what a person wrote'), { stack: 'what a person wrote' })
}

describe('a span', () => {
  describe('when nobody traces', () => {
    it('is just the work, and nobody asks what there would be to tell', () => {
      const details = () => expect.fail('asked')
      expect(span(details, () => 7)).to.equal(7)
      expect(quietly(() => 8)).to.equal(8)
      expect(() => span(details, boom)).to.throw(TypeError)
    })

    it('leaves events the trace that a client gave', () => {
      expect(traceparentOr(of(1))).to.equal(of(1))
      expect(traceparentOr(null)).to.equal(null)
    })
  })

  describe('when somebody traces', () => {
    let traced: TracedHere
    beforeEach(() => {
      traced = traceHere()
    })
    afterEach(() => traced.stop())
    const told = async (name: string) => (await traced.spans()).find((one) => one.name === name)!

    it('ends with its work, or with the promise of it, and gives what the work gives', async () => {
      expect(
        span(
          () => ({ name: 'now' }),
          () => 7,
        ),
      ).to.equal(7)
      const late = Promise.withResolvers<number>()
      const given = span(
        () => ({ name: 'later' }),
        () => late.promise,
      )
      expect(await told('now')).to.not.equal(undefined)
      expect(await told('later')).to.equal(undefined)
      late.resolve(8)
      expect(await given).to.equal(8)
      expect(await told('later')).to.not.equal(undefined)
    })

    it('is a part of the work around it, across what is awaited', async () => {
      await span(
        () => ({ name: 'outer' }),
        async () => {
          await null
          span(
            () => ({ name: 'inner' }),
            () => {},
          )
        },
      )
      expect((await told('inner')).parentSpanContext!.spanId).to.equal(idOf(await told('outer')))
    })

    it('gives the work its trace to hand on', async () => {
      const inside = span(
        () => ({ name: 'outer' }),
        () => traceparentOr(of(1)),
      )
      expect(inside).to.equal(traceparentOf(await told('outer')))
      expect(traceparentOr('outside')).to.equal('outside')
    })

    it('that stems from a single message is its child, whatever work is around', async () => {
      span(
        () => ({ name: 'around' }),
        () =>
          span(
            () => ({ name: 'one', from: [null, of(1), of(1)] }),
            () => {},
          ),
      )
      const { parentSpanContext, links } = await told('one')
      expect(parentSpanContext).to.include({ spanId: of(1).split('-')[2], isRemote: true })
      expect(links).to.deep.equal([])
    })

    it('that stems from several is linked to each, in a trace of its own, and to no more than a span may hold', async () => {
      span(
        () => ({ name: 'two', from: [of(1), of(2), undefined, of(1)] }),
        () => {},
      )
      const two = await told('two')
      expect(two.parentSpanContext).to.equal(undefined)
      expect(two.links.map(({ context }) => context.spanId)).to.deep.equal([of(1).split('-')[2], of(2).split('-')[2]])
      span(
        () => ({ name: 'many', from: Array.from({ length: 5_000 }, (_, n) => of(n)) }),
        () => {},
      )
      const many = await told('many')
      expect([many.links.length, many.droppedLinksCount]).to.deep.equal([MOST_LINKS, 0])
    })

    it('passes over origins that are no trace', async () => {
      const broken = ['00-1-2-01', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, `ff${of(1).slice(2)}`, 'x']
      expect(broken.map(spanContextOf)).to.deep.equal([undefined, undefined, undefined, undefined])
      span(
        () => ({ name: 'from nowhere', from: broken }),
        () => {},
      )
      const { parentSpanContext, links } = await told('from nowhere')
      expect([parentSpanContext, links]).to.deep.equal([undefined, []])
    })

    it('of work that fails says so by the name of the error, and with none of its words', async () => {
      expect(() => span(() => ({ name: 'thrown' }), boom)).to.throw('what a person wrote')
      const refused = Object.assign(new Error('what a person wrote'), { code: '23505' })
      await span(
        () => ({ name: 'rejected' }),
        () => Promise.reject(refused),
      ).catch(() => {})
      const [thrown, rejected] = [await told('thrown'), await told('rejected')]
      expect([thrown.attributes['error.type'], rejected.attributes['error.type']]).to.deep.equal(['TypeError', '23505'])
      expect([thrown.status.code, rejected.status.code]).to.deep.equal([2, 2])
      expect(
        JSON.stringify([thrown, rejected].map(({ status, events, attributes }) => [status, events, attributes])),
      ).to.not.include('wrote')
    })

    it('of work that was refused is no failure, where a refusal is an answer', async () => {
      const refused = Object.assign(new Error('no'), { code: 'NOT_FOUND' })
      const details = () => ({ name: 'refused', isAnswer: (error: unknown) => error === refused })
      await span(details, () => Promise.reject(refused)).catch(() => {})
      const { attributes, status } = await told('refused')
      expect([attributes['error.type'], status.code]).to.deep.equal(['NOT_FOUND', 0])
    })

    it('is none where there is nothing to tell, nor in what is done quietly', async () => {
      span(
        () => undefined,
        () => {},
      )
      quietly(() =>
        span(
          () => ({ name: 'hushed' }),
          () => {},
        ),
      )
      expect(await traced.spans()).to.deep.equal([])
      // What stems from a message is told all the same: the loop that received it is quiet, not the work.
      quietly(() =>
        span(
          () => ({ name: 'told', from: [of(1)] }),
          () => {},
        ),
      )
      expect((await traced.spans()).map(({ name }) => name)).to.deep.equal(['told'])
    })
  })
})
