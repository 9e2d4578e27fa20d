import { createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataFolder } from '#platform/config/data-folder.ts'
import { secrets } from '#platform/config/secrets.ts'
import { readSettings, type Settings } from '#platform/config/settings.ts'
import { startPostgres } from '#platform/pg/embedded/index.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { plain, runService, Trouble } from '#platform/service.ts'
import { banner } from './banner.ts'
import { type Part, supervisor } from './supervisor.ts'

const LOG_FILE_BYTES = 20 * 1024 * 1024
const serviceFile = (name: string) => fileURLToPath(new URL(`../${name}/main.ts`, import.meta.url))

await runService('stack', async () => {
  const settings = readSettings()
  const data = dataFolder(settings.VIDWIZ_DATA)
  await portIsFree(settings)
  const keys = secrets(data)
  const postgres = settings.DB_URL ? undefined : await startPostgres({ dataDir: data, password: keys.PG_PASSWORD })
  const url = settings.DB_URL ?? postgres!.url
  const logs = openLogs(join(data, 'logs'))
  const parts = supervisor({
    onLine: (part, line) => {
      logs.write(part, line)
      if (isTrouble(line)) console.error(`${part}: ${line}`)
    },
    onRestart: (part, why) => console.error(`${part} ${why}; starting it again`),
  })
  const stop = async () => {
    await parts.stop()
    await postgres?.stop()
    logs.close()
  }

  try {
    await migrate(url).catch((error) => {
      throw new Trouble(`cannot use the database at ${withoutPassword(url)}: ${error.message || error.code}`, { cause: error })
    })
    const env = {
      ...process.env,
      ...settingsEnv(settings),
      DB_URL: url,
      SECRET_KEY: keys.SECRET_KEY,
      ADMIN_TOKEN: keys.ADMIN_TOKEN,
    }
    const part = (name: string): Part => ({ name, file: serviceFile(name), env })
    await parts.start([part('projector'), part('api')])
  } catch (error) {
    await stop()
    throw error instanceof Trouble ? error : new Trouble(plain(error))
  }
  const host = settings.HOST === '0.0.0.0' || settings.HOST === '::' ? '127.0.0.1' : settings.HOST
  console.log(banner({ url: `http://${host}:${settings.PORT}`, postgres: withoutPassword(url), data, logs: logs.folder }))
  return { stop }
})

/** Found out before anything is started, so that a second `make start` changes nothing. */
function portIsFree({ PORT, HOST }: Settings): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Trouble(
          error.code === 'EADDRINUSE'
            ? `port ${PORT} is in use; set PORT to another one`
            : `cannot listen on ${HOST}:${PORT}: ${error.code}`,
        ),
      ),
    )
    probe.listen(PORT, HOST, () => probe.close(() => resolve()))
  })
}

const settingsEnv = ({ PORT, HOST, VIDWIZ_DATA }: Settings) => ({ PORT: String(PORT), HOST, VIDWIZ_DATA })

const withoutPassword = (url: string) => {
  const shown = new URL(url)
  shown.password = ''
  return shown.href
}

/** Warnings and worse are for the terminal, and so is whatever is not a log line at all. */
const isTrouble = (line: string) => !line.startsWith('{') || /^\{"level":"(warn|error|fatal)"/.test(line)

/** One log file per part; a large one is put aside at the start. */
function openLogs(folder: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const files = new Map<string, ReturnType<typeof createWriteStream>>()
  const open = (part: string) => {
    const path = join(folder, `${part}.log`)
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_FILE_BYTES) renameSync(path, `${path}.1`)
    const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
    files.set(part, file)
    return file
  }
  return {
    folder,
    write: (part: string, line: string) => void (files.get(part) ?? open(part)).write(`${line}\n`),
    close: () => {
      for (const file of files.values()) file.end()
    },
  }
}
