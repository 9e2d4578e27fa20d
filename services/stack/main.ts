import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { localAwsEnvironment } from '#platform/aws/local/where.ts'
import { dataFolder } from '#platform/config/data-folder.ts'
import { pasteable } from '#platform/config/pasteable.ts'
import { opsPassword, secrets } from '#platform/config/secrets.ts'
import { readSettings, type Settings } from '#platform/config/settings.ts'
import { usual } from '#platform/kafka/local/usual.ts'
import { withoutSecrets } from '#platform/pg/address.ts'
import { startPostgres } from '#platform/pg/embedded/index.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { findPython, OLDEST_PYTHON } from '#platform/python/find.ts'
import { OperatorError, type Running, runServices, service } from '#platform/service.ts'
import type { Idle } from '../kit/left-out.ts'
import { banner } from './banner.ts'
import { type Group, type Plan, planned } from './groups.ts'
import { guard } from './guardian.ts'
import { localKafka } from './kafka.ts'
import { endLeftBehind, writeParts } from './left-behind.ts'
import { inWords, isForTerminal, openLogs } from './logs.ts'
import { isFree, portIsFree } from './preflight.ts'
import { type Part, supervisor } from './supervisor.ts'

async function startAll(_: unknown, begun: (running: Running) => void): Promise<Running> {
  const settings = readSettings()
  const { HOST, PORT, OPS_PORT, DB_URL } = settings
  const data = dataFolder(settings.VIDWIZ_DATA)
  const plan = planned(settings, { onKafka: Boolean(settings.KAFKA_BROKERS ?? settings.KAFKA_LOCAL) })
  await endLeftBehind(data, (line) => console.error(`vidwiz: ${line}`))
  await portIsFree(PORT, HOST)
  const { SECRET_KEY, ADMIN_TOKEN, PG_PASSWORD } = secrets(data)
  const opsPage = await opsPageOf(plan, settings)
  const logs = openLogs(join(data, 'logs'))
  const searching = withoutPython(plan, settings)
  const telling = new Set(plan.later.flatMap(({ name, tells }) => (tells ? [name] : [])))
  const leave = guard(data, settings.KAFKA_LOCAL ? join(data, usual(settings.KAFKA_LOCAL).folder) : undefined)
  const starting = DB_URL
    ? undefined
    : startPostgres({ dataDir: data, password: PG_PASSWORD, log: (line) => logs.write('supervisor', line) })
  const startingKafka = localKafka(settings, data, (line) => logs.write('supervisor', line))
  begun({
    async stop() {
      await Promise.all((await Promise.allSettled([starting, startingKafka])).map(stopIfStarted))
      leave()
    },
  })
  const started = await Promise.allSettled([starting, startingKafka])
  const failed = started.find((one) => one.status === 'rejected')
  if (failed) {
    await Promise.all(started.map(stopIfStarted))
    leave()
    throw failed.reason
  }
  const [postgres, kafka] = [await starting, await startingKafka]
  const url = DB_URL ?? postgres!.url
  const brokers = settings.KAFKA_BROKERS?.join() ?? kafka?.addresses
  /** What a command in another terminal needs: also the Kafka that was started here. */
  const toldEnv = { ...process.env, ...(brokers ? { KAFKA_BROKERS: brokers } : {}) }
  const parts = supervisor({
    onLine(part, line) {
      logs.write(part, line)
      if (isForTerminal(line)) console.error(pasteable(`${part}: ${line}`, toldEnv))
      else if (telling.has(part)) console.error(pasteable(`${part}: ${inWords(line)}`, toldEnv))
    },
    onRestart: (part, why) => console.error(`${part} ${why}; starting it again`),
    onLaunch: (pids) => writeParts(data, pids),
    onSilent: (part, { pid, silentMs }) =>
      console.error(
        `${part} (process ${pid}) has not answered for ${Math.round(silentMs / 1_000)} s: it is frozen, or far too busy. To start it again: kill -9 ${pid}`,
      ),
    onAnswer: (part, { pid, silentMs }) =>
      console.error(`${part} (process ${pid}) answers again, after ${Math.round(silentMs / 1_000)} s`),
  })
  const stop = async () => {
    await parts.stop()
    await kafka?.stop()
    await postgres?.stop()
    leave()
    logs.close()
  }
  begun({ stop })

  let awsUrl: string | undefined
  try {
    await migrate(url).catch((error) => {
      throw new OperatorError(`cannot use the database at ${withoutSecrets(url)}: ${error.message || error.code}`, {
        cause: error,
      })
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
    /** Only the ops process gets the page's password. */
    const opsEnv = () => ({ OPS_PORT: String(OPS_PORT), ...(isOpsGuarded(settings) ? {} : { OPS_PASSWORD: opsPassword(data) }) })
    const partOf = ({ name, services, flags }: Group, more: NodeJS.ProcessEnv = {}): Part => ({
      name,
      file: PROCESS,
      args: [services.join()],
      flags,
      env: { ...env, ...more, ...(name === 'ops' ? opsEnv() : {}), METRICS_PORT: metricsPortOf(names.indexOf(name), settings) },
    })
    const startAws = async () => {
      if (!aws) return {}
      await parts.start([partOf(aws)])
      return localAwsEnvironment({ ...settings, VIDWIZ_DATA: data })
    }
    const [awsEnv] = await Promise.all([startAws(), parts.start(first.map((group) => partOf(group)))])
    const { AWS_ENDPOINT_URL, S3_ENDPOINT, SQS_ENDPOINT } = awsEnv as NodeJS.ProcessEnv
    awsUrl = AWS_ENDPOINT_URL ?? S3_ENDPOINT ?? SQS_ENDPOINT
    // Started before the workers, which call it; so it is stopped after them.
    await parts.start([partOf(api, awsEnv)])
    // Not waited for: these may have to install something first, and nothing depends on them.
    for (const group of later) {
      if (group.name === 'ops' && !opsPage.isServed) continue
      // The ops page finds the data folder's S3 and SQS by itself. Given their URLs, it could not tell what idles without a key.
      parts.keep(partOf(group, group.name === 'ops' ? {} : awsEnv))
    }
  } catch (error) {
    await stop()
    throw error
  }
  const shownHost = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST
  const hasDocs = settings.ENVIRONMENT !== 'production'
  console.log(
    banner({
      env: toldEnv,
      url: `http://${shownHost}:${PORT}`,
      hasDocs,
      ops: opsPage.isServed ? { url: `http://${shownHost}:${OPS_PORT}`, hasOwnPassword: !isOpsGuarded(settings) } : undefined,
      postgres: { url: withoutSecrets(url), password: DB_URL ? undefined : passwordOf(data) },
      aws: awsUrl,
      data,
      logs: logs.folder,
      brokers,
      idle: [...plan.idle, ...opsPage.idle, ...(await searching)],
    }),
  )
  return { stop }
}

/** Helpers look for Python themselves; this tells people earlier, in the banner. */
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

/** Whether the settings say who may see the page; otherwise a password is generated on this machine. */
const isOpsGuarded = ({ OPS_PASSWORD, OPS_TOKENS }: Settings): boolean => OPS_PASSWORD !== undefined || OPS_TOKENS.length > 0

/** The place of the database's password, which itself is not printed. */
const passwordOf = (data: string): string =>
  `PG_PASSWORD in ${process.env.PG_PASSWORD ? 'the environment' : join(data, 'secrets.json')}`

/** A taken port only prevents the page, not the start. */
async function opsPageOf({ later }: Plan, { OPS_PORT, HOST }: Settings): Promise<{ isServed: boolean; idle: Idle[] }> {
  if (!later.some(({ name }) => name === 'ops')) return { isServed: false, idle: [] }
  if (await isFree(OPS_PORT, HOST)) return { isServed: true, idle: [] }
  return { isServed: false, idle: [{ what: 'ops', why: `port ${OPS_PORT} is in use; set OPS_PORT to another one` }] }
}

const stopIfStarted = async (one: PromiseSettledResult<{ stop(): Promise<void> } | undefined>) =>
  one.status === 'fulfilled' ? one.value?.stop() : undefined

/** Each part gets a metrics port counted up from the supervisor's; none when that is not set, and any free one when it is 0. */
const metricsPortOf = (place: number, { METRICS_PORT: own }: Settings) => (own ? String(own + 1 + place) : String(own ?? ''))

const PROCESS = fileURLToPath(new URL('../process.ts', import.meta.url))

// Its terminal is for people, so it logs only errors. The time to stop covers that of its parts and of Postgres.
await runServices([service('stack', startAll, { level: 'error', stopMs: 120_000 })])
