import { z } from 'zod'
import { type Chapter, httpUrl, names, port } from './kinds.ts'

/** For example `ada:operator:secret,grafana:viewer:secret`. */
const opsTokens = z
  .string()
  .transform((list, { issues }) =>
    list.split(',').flatMap((entry) => {
      if (entry.trim() === '') return []
      const [, name, role, token] = /^([\w.@-]{1,64}):(viewer|operator):(\S{16,})$/.exec(entry.trim()) ?? []
      if (name && token) return [{ name, role: role as 'viewer' | 'operator', token }]
      // The message must not contain the entry, which may contain a secret.
      issues.push({
        code: 'custom',
        message: 'must be name:role:token, with commas between, role viewer or operator, tokens of 16 characters or more',
        input: '',
      })
      return []
    }),
  )
  .default([])

export const operators = {
  title: 'Operators',
  about:
    'The page for operators is off while neither `OPS_PASSWORD` nor `OPS_TOKENS` is set. `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and `…_ARG`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SDK_DISABLED` mean what the OpenTelemetry standard says.',
  settings: {
    OPS_PORT: port.default(5055).describe('Port of the page for operators, on `HOST`.'),
    OPS_PASSWORD: z.string().min(8, 'must have at least 8 characters').optional().meta({
      description: 'Password of the operator who signs in without a token.',
      unset: '`make start`: generated once, kept in the data folder (`npx vidwiz ops password`)',
      secret: true,
    }),
    OPS_TOKENS: opsTokens.meta({
      description:
        'Others who may sign in, as `ada:operator:…,grafana:viewer:…`. A viewer sees; an operator also acts and reveals. Tokens have 16 characters or more.',
      secret: true,
    }),
    OPS_HOSTS: names.describe(
      'Names under which the page is reached, beside addresses and localhost, as `ops.example.com` ([how](runbook.md#the-page-for-operators)).',
    ),
    METRICS_PORT: port.optional().meta({
      description: 'Port on which a service serves its figures for Prometheus (`/metrics`) and whether it works (`/health`).',
      unset: 'not served',
    }),
    OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional().meta({
      description: 'Where spans are sent, over OTLP/HTTP, as `http://127.0.0.1:4318` ([how](decisions/tracing.md)).',
      unset: 'no spans, and nothing of OpenTelemetry is loaded',
    }),
  },
} satisfies Chapter
