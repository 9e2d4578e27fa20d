import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { now as clock } from '#platform/clock.ts'
import { dataFolder } from '#platform/config/data-folder.ts'
import { keptSecrets } from '#platform/config/secrets.ts'
import { readSettings } from '#platform/config/settings.ts'
import { addressesOf } from '#platform/pg/address.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { databaseUrl } from '#platform/pg/where.ts'
import { OperatorError } from '#platform/service.ts'
import { type MediaRow, mediaCounts, mediaIn } from '#projections/media.ts'
import { duration } from '#services/operations/story/text.ts'
import { closeDoor, openDoor } from '../kit/door/make.ts'
import { parkedEntries, redriveParked } from '../kit/door/parked.ts'
import { doorOf, isOpen } from '../kit/door/where.ts'
import { connected } from './connect.ts'
import { wholeNumber } from './numbers.ts'
import { table } from './table.ts'

const OPEN = ['awaited', 'queued', 'processing', 'failed'] as const

/** `media`: lists jobs of media workers, and manages the door (a database for media workers without HTTP). */
export function mediaCommand(): Command {
  const command = new Command('media')
    .description('jobs of media workers that wait, are under way or have failed')
    .enablePositionalOptions()
    .option('--limit <n>', 'at most this many, oldest first', wholeNumber, 100)
    .option('--json', 'one JSON object per line')
    .action(({ limit, json }: { limit: number; json?: boolean }) => connected(({ db }) => list(db, limit, json)))
  const door = command
    .command('door')
    .description(
      'open or update the database for media workers that do not use HTTP, ' +
        'and print the settings that a worker needs to reach it, password included',
    )
    .enablePositionalOptions()
    .option('--rotate', 'make a new password; the old one is refused from then on')
    .option('--close', 'remove the database and its role')
    .option('--force', 'with --close: also if entries of workers are not events yet')
    .action(({ rotate, close, force = false }: { rotate?: boolean; close?: boolean; force?: boolean }) =>
      connected(({ db }) => (close ? shut(db, force) : open(db, rotate ?? false))),
    )
  door
    .command('parked')
    .description('entries of workers that could not be handled, the newest first')
    .option('--limit <n>', 'at most this many', wholeNumber, 100)
    .option('--json', 'one JSON object per line')
    .action(({ limit, json }: { limit: number; json?: boolean }) => behind((doorDb) => parked(doorDb, limit, json)))
  door
    .command('redrive')
    .description('try such entries again, with the later entries of the same job')
    .argument('[videos...]', "YouTube's ids; all, if none is given")
    .action((videos: string[]) =>
      behind(async (doorDb) => console.log(`tried again: ${await redriveParked(doorDb, videos)} entries of workers`)),
    )
  return command
}

// Jobs ------------------------------------------------------------------

async function list(db: Db, limit: number, json = false): Promise<void> {
  const [rows, counts] = await Promise.all([mediaIn(db, OPEN, { limit }), mediaCounts(db)])
  if (json) {
    for (const { studies: _, ...row } of rows) console.log(JSON.stringify(row))
    return
  }
  const now = clock()
  if (rows.length > 0) console.log(`${table(HEAD, rows.map(cells(now)), HEAD.length)}\n`)
  console.log(`jobs: ${counts.map(({ status, jobs }) => `${jobs.toLocaleString('en')} ${status}`).join(', ') || 'none'}`)
}

const HEAD = ['VIDEO', 'JOB', 'STATUS', 'FOR', 'MESSAGE', 'CAUSE']

const cells = (now: number) => (row: MediaRow) => [
  row.video_id,
  row.job_id || '',
  row.step === null ? row.status : `${row.status}: ${row.step} ${row.percent} %`,
  duration(now - row.since),
  row.attempt || '',
  row.cause ?? '',
]

// The door ----------------------------------------------------------------

const PORT = '5432'

async function open(db: Db, rotate: boolean): Promise<void> {
  const settings = readSettings()
  const url = databaseUrl(settings)
  const { name } = doorOf(url)
  const file = join(dataFolder(settings.VIDWIZ_DATA), `${name}.json`)
  if (!rotate && !existsSync(file) && (await isOpen(db)))
    throw new OperatorError(
      'the door is open, and its password is kept on another machine: run this there, or have a new one made with --rotate',
    )
  const password = rotate ? await rotated(file) : kept(file)
  const { alsoOpen } = await openDoor(db, { url, password, ownsServer: !settings.DB_URL })
  const [{ host, port } = {}] = addressesOf(url)
  console.log(
    [
      `DB_HOST=${host ?? 'localhost'}`,
      `DB_PORT=${port || PORT}`,
      `DB_NAME=${name}`,
      `DB_USER=${name}`,
      `DB_PASSWORD=${password}`,
    ].join('\n'),
  )
  for (const other of alsoOpen)
    console.error(
      `note: every role may connect to the database ${other}, so this role can, too; it sees there what every role sees. ` +
        `To close it: revoke connect on database "${other}" from public`,
    )
}

async function shut(db: Db, force: boolean): Promise<void> {
  const settings = readSettings()
  const url = databaseUrl(settings)
  await closeDoor(db, { url, force })
  await rm(join(dataFolder(settings.VIDWIZ_DATA), `${doorOf(url).name}.json`), { force: true })
  console.log('the door is closed: its database and its role are gone')
}

/** Stored in a file that only its owner may read, beside the installation's other secrets. */
const kept = (file: string) => keptSecrets(file, ['DB_PASSWORD']).DB_PASSWORD

async function rotated(file: string): Promise<string> {
  await rm(file, { force: true })
  return kept(file)
}

/** @throws OperatorError when there is no door */
async function behind(work: (door: Db) => Promise<void>): Promise<void> {
  await connected(async ({ db }) => {
    if (!(await isOpen(db))) throw new OperatorError('there is no door: `npx vidwiz media door` opens one')
    const door = openDb(doorOf(databaseUrl(readSettings())).url, { name: 'vidwiz cli', max: 1 })
    try {
      await work(door)
    } finally {
      await door.close()
    }
  })
}

async function parked(door: Db, limit: number, json = false): Promise<void> {
  const entries = await parkedEntries(door, limit)
  if (json) for (const entry of entries) console.log(JSON.stringify(entry))
  else if (entries.length === 0) console.log('nothing is parked')
  else {
    const rows = entries.map(({ video_id, job_id, what, at, cause, file_path }) => [
      video_id,
      job_id,
      what,
      duration(clock() - Date.parse(at)),
      cause,
      file_path ?? '',
    ])
    console.log(table(['VIDEO', 'JOB', 'WHAT', 'FOR', 'CAUSE', 'FILE'], rows, 6))
  }
}
