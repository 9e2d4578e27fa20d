import type { Settings } from '#platform/config/settings.ts'
import type { FunctionSpec } from '../kit/functions.ts'
import { variables } from '../kit/functions.ts'

/** Variables that any process needs to reach the network on this machine. */
const OF_THE_MACHINE = [
  'PATH',
  'HOME',
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_ENV_PROXY',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
] as const

/**
 * The environment of a function, with the same names as on AWS. Variables set here under these names win, then the settings of this
 * installation. Nothing else of the runner's environment is passed on, and of the models' keys only the one the function uses.
 */
export function functionEnvironment(
  { name, memoryMb }: Pick<FunctionSpec, 'name' | 'memoryMb'>,
  settings: Settings,
  adminToken: string,
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const isOurs = (key: string) => key.startsWith('AWS_') || [...variables, ...OF_THE_MACHINE].some((known) => known === key)
  const itsModelKey = name === 'tasks-dispatcher' ? undefined : `${settings.LLM_PROVIDER.toUpperCase()}_API_KEY`
  const isAnotherKey = (key: string) => key.endsWith('_API_KEY') && key !== itsModelKey
  const own = Object.fromEntries(Object.entries(env).filter(([key, value]) => isOurs(key) && !isAnotherKey(key) && value))
  return given({
    // Settings with another name, or not from the environment.
    GEMINI_MODEL: settings.GEMINI_MODEL_NAME,
    OPENAI_API_URL: settings.OPENAI_BASE_URL && `${settings.OPENAI_BASE_URL.replace(/\/+$/, '')}/responses`,
    VIDWIZ_TOKEN: adminToken,
    VIDWIZ_ENDPOINT: localApi(settings),
    ...own,
    AWS_REGION: settings.AWS_REGION,
    // The SDK prefers a profile to the keys, but the data folder's keys are in no profile.
    AWS_PROFILE: settings.AWS_ACCESS_KEY_ID && settings.AWS_SECRET_ACCESS_KEY ? undefined : own.AWS_PROFILE,
    // Overrides an SQS_QUEUE_URL in the environment, which is meant for another worker.
    SQS_QUEUE_URL: settings.SQS_AI_NOTE_QUEUE_URL,
    SQS_SUMMARY_QUEUE_URL: settings.SQS_SUMMARY_QUEUE_URL,
    // As set by the AWS runtime.
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    _HANDLER: 'handler.handler',
    TZ: ':UTC',
  })
}

const given = (env: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])))

/** Address of the API on this machine. */
function localApi({ HOST, PORT }: Settings): string {
  const isEverywhere = HOST === '0.0.0.0' || HOST === '::'
  return `http://${isEverywhere ? '127.0.0.1' : HOST.includes(':') ? `[${HOST}]` : HOST}:${PORT}`
}
