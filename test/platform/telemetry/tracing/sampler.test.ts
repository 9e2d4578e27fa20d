import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import { SamplingDecision } from '@opentelemetry/sdk-trace'
import { expect } from 'chai'
import { samplerOf } from '#platform/telemetry/tracing/sampler.ts'

const LOW = '00000000000000000000000000000001'
const HIGH = 'ffffffff000000000000000000000000'

/** Whether a span of that trace is kept, with a parent that was or was not, or with none. */
function keeps(name: string | undefined, argument: string | undefined, traceId: string, parent?: 'kept' | 'dropped') {
  const sampler = samplerOf({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument })
  const traceFlags = parent === 'kept' ? TraceFlags.SAMPLED : TraceFlags.NONE
  const around = parent ? trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: 'b'.repeat(16), traceFlags }) : ROOT_CONTEXT
  return sampler.shouldSample(around, traceId, 'work', SpanKind.INTERNAL, {}, []).decision === SamplingDecision.RECORD_AND_SAMPLED
}

describe('which traces are kept', () => {
  const TABLE: [
    name: string | undefined,
    argument: string | undefined,
    lone: boolean,
    childOfKept: boolean,
    childOfDropped: boolean,
  ][] = [
    [undefined, undefined, true, true, false],
    ['parentbased_always_on', undefined, true, true, false],
    ['parentbased_always_off', undefined, false, true, false],
    ['always_on', undefined, true, true, true],
    ['always_off', undefined, false, false, false],
    ['traceidratio', '0', false, false, false],
    ['parentbased_traceidratio', '0', false, true, false],
    ['parentbased_traceidratio', undefined, true, true, false],
    ['no such sampler', undefined, true, true, false],
    ['traceidratio', 'much', true, true, true],
  ]
  for (const [name, argument, ...expected] of TABLE)
    it(`${name ?? 'by default'}${argument ? ` ${argument}` : ''}: ${expected.join(', ')}`, () =>
      expect([
        keeps(name, argument, LOW),
        keeps(name, argument, LOW, 'kept'),
        keeps(name, argument, LOW, 'dropped'),
      ]).to.deep.equal(expected))

  it('a part of them, the same in every process', () =>
    expect([keeps('traceidratio', '0.5', LOW), keeps('traceidratio', '0.5', HIGH)]).to.deep.equal([true, false]))

  it('says what it cannot understand', () => {
    const wrong: string[] = []
    samplerOf({ OTEL_TRACES_SAMPLER: 'sometimes' }, (what) => wrong.push(what))
    samplerOf({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, (what) => wrong.push(what))
    samplerOf({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' }, (what) => wrong.push(what))
    expect(wrong).to.have.length(2)
  })
})
