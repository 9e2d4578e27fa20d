const PRELOAD = new URL('preload.ts', import.meta.url).href

/** Node's flags that turn on tracing in a process if its environment asks for it: libraries must be hooked before they are loaded. */
export const tracingFlags = (env: NodeJS.ProcessEnv): string[] => (isOn(env) ? ['--import', PRELOAD] : [])

const isOn = ({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: disabled }: NodeJS.ProcessEnv) =>
  Boolean(endpoint) && disabled !== 'true'
