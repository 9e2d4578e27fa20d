import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { localAwsEnvironment } from '#platform/aws/local/where.ts'
import { dataFolder } from '#platform/config/data-folder.ts'
import { secrets } from '#platform/config/secrets.ts'
import { readSettings, type Settings } from '#platform/config/settings.ts'
import { startPostgres } from '#platform/pg/embedded/index.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { findPython, OLDEST_PYTHON } from '#platform/python/find.ts'
import { type Running, runServices, service, Trouble } from '#platform/service.ts'
import type { Idle } from '../kit/left-out.ts'
import { banner } from './banner.ts'
import { type Group, type Plan, planned } from './groups.ts'
import { localKafka } from './kafka.ts'
import { inWords, isTrouble, openLogs } from './logs.ts'
import { portIsFree } from './preflight.ts'
import { type Part, supervisor } from './supervisor.ts'

async function startAll(_: unknown, begun: (running: Running) => void): Promise<Running> {
  const settings = readSettings()
  const { HOST, PORT, DB_URL } = settings
  const data = dataFolder(settings.VIDWIZ_DATA)
  const plan = planned(settings, { onKafka: Boolean(settings.KAFKA_BROKERS ?? settings.KAFKA_LOCAL) })
  await portIsFree(PORT, HOST)
  const { SECRET_KEY, ADMIN_TOKEN, PG_PASSWORD } = secrets(data)
  const logs = openLogs(join(data, 'logs'))
  const searching = withoutPython(plan, settings)
  const telling = new Set(plan.later.flatMap(({ name, tells }) => (tells ? [name] : [])))
  const starting = DB_URL
    ? undefined
    : startPostgres({ dataDir: data, password: PG_PASSWORD, log: (line) => logs.write('supervisor', line) })
  const startingKafka = localKafka(settings, data, (line) => logs.write('supervisor', line))
  begun({ stop: async () => void (await Promise.all((await Promise.allSettled([starting, startingKafka])).map(stopIfStarted))) })
  const started = await Promise.allSettled([starting, startingKafka])
  const failed = started.find((one) => one.status === 'rejected')
  if (failed) {
    await Promise.all(started.map(stopIfStarted))
    throw failed.reason
  }
  const [postgres, kafka] = [await starting, await startingKafka]
  const url = DB_URL ?? postgres!.url
  const brokers = settings.KAFKA_BROKERS?.join() ?? kafka?.addresses
  const parts = supervisor({
    onLine(part, line) {
      logs.write(part, line)
      if (isTrouble(line)) console.error(`${part}: ${line}`)
      else if (telling.has(part)) console.error(`${part}: ${inWords(line)}`)
    },
    onRestart: (part, why) => console.error(`${part} ${why}; starting it again`),
  })
  const stop = async () => {
    await parts.stop()
    await kafka?.stop()
    await postgres?.stop()
    logs.close()
  }
  begun({ stop })

  let awsUrl: string | undefined
  try {
    await migrate(url).catch((error) => {
      throw new Trouble(`cannot use the database at ${withoutPassword(url)}: ${error.message || error.code}`, { cause: error })
    })
    const env = {
      ...process.env,
      HOST,
      PORT: String(PORT),
      VIDWIZ_DATA: data,
      DB_URL: url,
      SECRET_KEY,
      ADMIN_TOKEN,
      ...(brokers ? { KAFKA_BROKERS: brokers } : {}),
    }
    const { aws, first, api, later } = plan
    const names = [...(aws ? [aws] : []), ...first, api, ...later].map(({ name }) => name)
    const partOf = ({ name, services, flags }: Group, more: NodeJS.ProcessEnv = {}): Part => ({
      name,
      file: PROCESS,
      args: [services.join()],
      flags,
      env: { ...env, ...more, METRICS_PORT: metricsPortOf(names.indexOf(name), settings) },
    })
    const startAws = async () => {
      if (!aws) return {}
      await parts.start([partOf(aws)])
      return localAwsEnvironment({ ...settings, VIDWIZ_DATA: data })
    }
    const [awsEnv] = await Promise.all([startAws(), parts.start(first.map((group) => partOf(group)))])
    const { AWS_ENDPOINT_URL, S3_ENDPOINT, SQS_ENDPOINT } = awsEnv as NodeJS.ProcessEnv
    awsUrl = AWS_ENDPOINT_URL ?? S3_ENDPOINT ?? SQS_ENDPOINT
    // Begun first, so that it stops last: the others ask it.
    const apiStarts = parts.start([partOf(api, awsEnv)])
    // Nobody waits for what has to install something first, or for what can be had later.
    for (const group of later) parts.keep(partOf(group, awsEnv))
    await apiStarts
  } catch (error) {
    await stop()
    throw error
  }
  const shownHost = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST
  const hasDocs = settings.ENVIRONMENT !== 'production'
  console.log(
    banner({
      url: `http://${shownHost}:${PORT}`,
      hasDocs,
      postgres: withoutPassword(url),
      aws: awsUrl,
      data,
      logs: logs.folder,
      brokers,
      idle: [...plan.idle, ...(await searching)],
    }),
  )
  return { stop }
}

/** Helpers look for Python themselves; the banner tells people before that. */
async function withoutPython({ later }: Plan, { YTDLP_PATH }: Settings): Promise<Idle[]> {
  const helpers = later.flatMap(({ services }) => services).filter((name) => name.endsWith('-helper') || name === 'gpu-worker')
  if (helpers.length === 0 || YTDLP_PATH || (await findPython()).found) return []
  return [
    {
      what: helpers.join(', '),
      why: `no Python ${OLDEST_PYTHON} or later, which they run on; \`npx vidwiz doctor\` says more`,
    },
  ]
}

const stopIfStarted = async (one: PromiseSettledResult<{ stop(): Promise<void> } | undefined>) =>
  one.status === 'fulfilled' ? one.value?.stop() : undefined

/** Each part has one of its own, counted on from that of the supervisor; none when none is set, and any when that is 0. */
const metricsPortOf = (place: number, { METRICS_PORT: own }: Settings) => (own ? String(own + 1 + place) : String(own ?? ''))

const PROCESS = fileURLToPath(new URL('../process.ts', import.meta.url))

function withoutPassword(url: string): string {
  const shown = new URL(url)
  shown.password = ''
  // Postgres' drivers take settings there too, secrets among them.
  shown.search = ''
  return shown.href
}

// Its terminal is for people: only what went wrong. Its parts, and then Postgres, have bounds of their own.
await runServices([service('stack', startAll, { level: 'error', stopMs: 120_000 })])
