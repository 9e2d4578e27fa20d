import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'

/**
 * The sampler of `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`. As OpenTelemetry's specification requires, invalid values are
 * reported and ignored, so that telemetry never stops a process.
 * @param wrong called with a message for an invalid value
 */
export function samplerOf(
  { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument }: NodeJS.ProcessEnv,
  wrong: (what: string) => void = () => {},
): Sampler {
  const ratio = (): number => {
    const given = argument ? Number(argument) : 1
    if (given >= 0 && given <= 1) return given
    wrong('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1; all is traced')
    return 1
  }
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio())
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() })
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio()) })
    default:
      if (name && name !== 'parentbased_always_on') wrong('OTEL_TRACES_SAMPLER names no sampler; all is traced')
      return new ParentBasedSampler({ root: new AlwaysOnSampler() })
  }
}
