import { register } from 'node:module'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { openLogger } from '../logger.ts'
import { openSpell } from '../spell.ts'
import { HOOKED, instrumentations } from './instrumentations.ts'
import { startTracing } from './provider.ts'

// Loaded first with `node --import`, so that libraries loaded later are hooked. Used only when an endpoint for spans is set.

/** The local S3 and SQS server is not traced: it stands for AWS, and is polled all day. */
const STAND_IN = 'local-aws'

/** Command lines: `process.ts api`, `main.ts run api`, `main.ts rebuild notes`. */
const [first = '', second = ''] = process.argv.slice(2)
const isService = process.argv[1]!.endsWith('process.ts') || first === 'run'
const log = openLogger('tracing', isService ? undefined : 'silent')

const service = first === 'run' ? second : first
if (service !== STAND_IN) begin()

function begin() {
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, { data: { include: HOOKED } })
  const { provider, end } = startTracing({
    service: `vidwiz-${service}`,
    spell: openSpell(log, { receiver: URL.parse(process.env.OTEL_EXPORTER_OTLP_ENDPOINT!)?.host }),
    onWrong: (what) => log.warn(what),
  })
  registerInstrumentations({ instrumentations: instrumentations(), tracerProvider: provider })

  // When a command has finished, open requests to the receiver must not keep the process alive. A service ends tracing itself.
  if (!isService) process.once('beforeExit', () => void end().then(() => process.exit()))
}
