import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import pg from 'pg'
import { accountNamed, mayEnter } from '#platform/pg/embedded/account.ts'
import { nativePostgres, usableBinaries } from '#platform/pg/embedded/binaries.ts'
import {
  destroyPostgres,
  EmbeddedPostgresError,
  postgresUrl,
  runningPostgres,
  startPostgres,
  stopOrphanedPostgres,
} from '#platform/pg/embedded/index.ts'
import { postmasterOf } from '#platform/pg/embedded/postmaster.ts'
import { until } from '#platform/processes.ts'

const repository = join(import.meta.dirname, '..', '..', '..')
const isRoot = process.getuid?.() === 0
const password = `it's a p@ss/wörd?`

async function query<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<R>(text)).rows
  } finally {
    await client.end()
  }
}

/** Another process that starts the server and then stays, until it is told or made to end. */
const script = `
  import { startPostgres } from '#platform/pg/embedded/index.ts'
  const [dataDir, password] = process.argv.slice(1)
  const postgres = await startPostgres({ dataDir, password })
  process.stdout.write(JSON.stringify({ port: postgres.port, reused: postgres.reused }))
  process.stdin.on('end', () => postgres.stop()).resume()
`
const startElsewhere = (dataDir: string, account: { uid?: number; gid?: number } = {}) =>
  spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script, dataDir, password], {
    ...account,
    cwd: repository,
    stdio: ['pipe', 'pipe', 'inherit'],
  })

async function answerOf(child: ChildProcess): Promise<{ port: number; reused: boolean }> {
  const [chunk] = await once(child.stdout!, 'data')
  return JSON.parse(String(chunk))
}

async function kill(child: ChildProcess) {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe('the embedded Postgres', function () {
  this.timeout(60_000)

  let dataDir: string
  let others: ChildProcess[]
  const start = (given: { password?: string; log?: (line: string) => void } = {}) =>
    startPostgres({ dataDir, password, ...given })
  const elsewhere = (...given: Parameters<typeof startElsewhere>) => {
    const child = startElsewhere(...given)
    others.push(child)
    return child
  }
  const cluster = () => realpathSync(join(dataDir, 'postgres'))

  beforeEach(() => {
    others = []
    dataDir = mkdtempSync(join(tmpdir(), 'vidwiz-embedded-')) // of mode 0700: as root, closed to the server's account
  })
  afterEach(async () => {
    for (const child of others) if (child.exitCode === null && child.signalCode === null) await kill(child)
    await destroyPostgres(dataDir).catch(() => rmSync(join(dataDir, 'postgres'), { force: true, recursive: true }))
    rmSync(dataDir, { recursive: true })
  })

  it('is a real server with durable settings, UTF-8, and ears on this machine only', async () => {
    const postgres = await start()
    const settings = await query<{ name: string; setting: string }>(postgres.url, 'select name, setting from pg_settings')
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).to.include({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      port: String(postgres.port),
      wal_level: 'minimal',
      max_wal_senders: '0',
      server_encoding: 'UTF8',
      TimeZone: 'UTC',
      jit: 'off',
    })
    const [row] = await query(
      postgres.url,
      `select current_database() as database, lower('ÄÉ') as lower, 'b' < 'Ä' as by_code_point`,
    )
    expect(row).to.deep.equal({ database: 'vidwiz', lower: 'äé', by_code_point: true })
    await postgres.stop()
  })

  it('lets in who knows the password and nobody else', async () => {
    const postgres = await start()
    const refusal = await query(postgresUrl(postgres.port, 'another'), 'select 1').catch((error) => error.code)
    expect(refusal).to.equal('28P01')
    expect(readFileSync(join(cluster(), 'pg_hba.conf'), 'utf8')).not.to.match(/^\s*(host|local).*\b(trust|md5)\b/m)
    await postgres.stop()
  })

  it('keeps its data and its port from start to start', async () => {
    const first = await start()
    await query(first.url, `create table kept as select 42 as answer`)
    await first.stop()
    expect(runningPostgres(dataDir)).to.equal(undefined)

    const second = await start()
    expect(second).to.include({ port: first.port, url: first.url, reused: false })
    expect(await query(second.url, 'select * from kept')).to.deep.equal([{ answer: 42 }])
    expect(runningPostgres(dataDir)).to.deep.equal({ port: first.port })
    await second.stop()
  })

  it('takes another port when its own is taken', async () => {
    const first = await start()
    await first.stop()
    const squatter = createServer().listen(first.port, '127.0.0.1')
    await once(squatter, 'listening')
    try {
      const second = await start()
      expect(second.port).not.to.equal(first.port)
      expect(await query(second.url, 'select 1 as one')).to.deep.equal([{ one: 1 }])
      await second.stop()
    } finally {
      squatter.close()
    }
  })

  it('is taken over when a kill -9 of the process that started it left it running', async () => {
    const child = elsewhere(dataDir)
    const left = await answerOf(child)
    await query(postgresUrl(left.port, password), `create table kept as select 42 as answer`)
    await kill(child)

    const postgres = await start()
    expect(postgres).to.include({ port: left.port, reused: true })
    expect(await query(postgres.url, 'select * from kept')).to.deep.equal([{ answer: 42 }])
    await postgres.stop()
    expect(runningPostgres(dataDir), 'stop() stops what was taken over').to.equal(undefined)
  })

  it('is shared with a living process that started it, and left to it', async () => {
    const child = elsewhere(dataDir)
    const { port } = await answerOf(child)
    const guest = await start()
    expect(guest).to.include({ port, reused: true })
    await guest.stop()
    expect(await query(postgresUrl(port, password), 'select 1 as one')).to.deep.equal([{ one: 1 }])

    child.stdin!.end()
    await once(child, 'exit')
    expect(runningPostgres(dataDir)).to.equal(undefined)
  })

  it('is not taken for left behind while it starts, after the process that started it before was killed', async () => {
    const before = elsewhere(dataDir)
    await answerOf(before)
    const { pid } = postmasterOf(cluster())!
    await kill(before)
    process.kill(pid, 'SIGKILL')
    await until(() => postmasterOf(cluster()) === undefined, 10_000)
    const child = elsewhere(dataDir)
    let answered: Awaited<ReturnType<typeof answerOf>> | undefined
    const answer = answerOf(child).then((it) => (answered = it))
    // What the killed one had arranged for its end comes just now.
    while (!answered && child.exitCode === null) {
      await stopOrphanedPostgres(dataDir)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(child.exitCode).to.equal(null)
    expect((await answer).port).to.equal(runningPostgres(dataDir)?.port)
  })

  it('is one server when several processes start it at once on an empty folder', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => answerOf(elsewhere(dataDir))))
    expect(new Set(answers.map(({ port }) => port)).size).to.equal(1)
    expect(answers.filter(({ reused }) => !reused)).to.have.length(1)
    expect(await query(postgresUrl(answers[0]!.port, password), 'select 1 as one')).to.deep.equal([{ one: 1 }])
    expect(readdirSync(dataDir).filter((name) => name.startsWith('unfinished-'))).to.deep.equal([])
  })

  it('comes back on the same port, with what was committed, when the server itself is killed', async () => {
    const lines: string[] = []
    const postgres = await start({ log: (line) => lines.push(line) })
    await query(postgres.url, `create table kept as select 42 as answer`)
    const { pid } = postmasterOf(cluster())!
    process.kill(pid, 'SIGKILL')
    const back = () => {
      const now = postmasterOf(cluster())
      return now !== undefined && now.pid !== pid && now.ready
    }
    expect(await until(back, 30_000)).to.equal(true)
    expect(await query(postgres.url, 'select * from kept')).to.deep.equal([{ answer: 42 }])
    expect(lines).to.include('the database server ended by itself: starting it again')
    await postgres.stop()
  })

  it('starts over a pid file of which another process carries the pid by now', async () => {
    const first = await start()
    const file = join(cluster(), 'postmaster.pid')
    const text = readFileSync(file, 'utf8')
    await first.stop()
    const { uid, gid } = statSync(cluster())
    const stranger = spawn('sleep', ['600'], { cwd: '/', ...(isRoot ? { uid, gid } : {}) })
    others.push(stranger)
    writeFileSync(file, text.replace(/^\d+/, String(stranger.pid)))
    chownSync(file, uid, gid)

    expect(runningPostgres(dataDir)).to.equal(undefined)
    const second = await start()
    expect(await query(second.url, 'select 1 as one')).to.deep.equal([{ one: 1 }])
    await second.stop()
    expect(stranger.exitCode ?? stranger.signalCode, 'the stranger is left alone').to.equal(null)
  })

  it('starts over an empty pid file', async () => {
    const first = await start()
    await first.stop()
    writeFileSync(join(cluster(), 'postmaster.pid'), '')
    const second = await start()
    expect(second.reused).to.equal(false)
    await second.stop()
  })

  it('begins again when the making of the database was killed half-way', async () => {
    chmodSync(dataDir, 0o755)
    const child = elsewhere(dataDir)
    const halfWay = () =>
      readdirSync(dataDir).some((name) => name.startsWith('unfinished-') && readdirSync(join(dataDir, name)).includes('cluster'))
    expect(await until(halfWay, 30_000)).to.equal(true)
    await kill(child)
    expect(readdirSync(dataDir)).not.to.include('postgres')

    const postgres = await start()
    expect(await query(postgres.url, 'select 1 as one')).to.deep.equal([{ one: 1 }])
    await postgres.stop()
  })

  it('is given the password of today when it knows another', async () => {
    await (await start()).stop()
    const postgres = await start({ password: 'new' })
    expect(await query(postgresUrl(postgres.port, 'new'), 'select 1 as one')).to.deep.equal([{ one: 1 }])
    expect(await query(postgresUrl(postgres.port, password), 'select 1').catch((error) => error.code)).to.equal('28P01')
    await postgres.stop()
  })

  it('rolls back what is open when it stops, and does not wait for it', async () => {
    const postgres = await start()
    await query(postgres.url, 'create table kept (answer int)')
    const client = new pg.Client({ connectionString: postgres.url })
    client.on('error', () => {})
    await client.connect()
    await client.query('begin')
    await client.query('insert into kept values (1)')
    await Promise.all([postgres.stop(), postgres.stop()])
    await client.end().catch(() => {})

    const again = await start()
    expect(await query(again.url, 'select * from kept')).to.deep.equal([])
    await again.stop()
  })

  it('does not begin with an empty database where there was one', async () => {
    symlinkSync('/var/lib/vidwiz/long-gone', join(dataDir, 'postgres'))
    const refusal = await start().catch((error) => error)
    expect(refusal)
      .to.be.instanceOf(EmbeddedPostgresError)
      .with.property('message')
      .that.matches(/\/var\/lib\/vidwiz\/long-gone is gone/)
  })

  it('refuses the database of another major version', async () => {
    await (await start()).stop()
    const file = join(cluster(), 'PG_VERSION')
    const version = readFileSync(file, 'utf8')
    writeFileSync(file, '15\n')
    const refusal = await start().catch((error) => error)
    writeFileSync(file, version)
    expect(refusal)
      .to.be.instanceOf(EmbeddedPostgresError)
      .with.property('message')
      .that.matches(/was written by Postgres 15/)
  })

  it('says what to do on a machine that it has no binaries for', () =>
    expect(() => nativePostgres('plan9-vax')).to.throw(EmbeddedPostgresError, /plan9-vax is not installed\): set DB_URL/))

  describe('started by root', () => {
    before(function () {
      if (!isRoot) this.skip()
    })

    it('runs as another user, whose data lies where that user may go and is linked from the data folder', async () => {
      const postgres = await start()
      expect(statSync(dataDir).mode & 0o777, 'the data folder stays closed').to.equal(0o700)
      expect(lstatSync(join(dataDir, 'postgres')).isSymbolicLink()).to.equal(true)
      const { pid } = postmasterOf(cluster())!
      const { stdout } = await promisify(execFile)('ps', ['-o', 'uid=', '-p', String(pid)])
      expect(Number(stdout)).to.equal(statSync(cluster()).uid).and.not.equal(0)
      await postgres.stop()
    })

    it('keeps the data in the data folder when that is open to the server', async () => {
      chmodSync(dataDir, 0o755)
      const postgres = await start()
      expect(lstatSync(join(dataDir, 'postgres')).isDirectory()).to.equal(true)
      await postgres.stop()
    })

    it('opens what another user made, as that user', async function () {
      const account = accountNamed('nobody')!
      if (!mayEnter(repository, account)) this.skip()
      chownSync(dataDir, account.uid, account.gid)
      const child = elsewhere(dataDir, account)
      const { port } = await answerOf(child)
      await query(postgresUrl(port, password), `create table kept as select 42 as answer`)
      child.stdin!.end()
      await once(child, 'exit')

      const postgres = await start()
      expect(await query(postgres.url, 'select * from kept')).to.deep.equal([{ answer: 42 }])
      expect(statSync(cluster()).uid).to.equal(account.uid)
      await postgres.stop()
    })

    it('copies binaries that lie in a closed folder, and makes the links that a forbidden install script did not', async () => {
      const closed = join(dataDir, 'package')
      const store = mkdtempSync(join(tmpdir(), 'vidwiz-store-'))
      chmodSync(store, 0o755)
      const { folder, version } = nativePostgres()
      mkdirSync(closed)
      cpSync(folder, join(closed, 'native'), { recursive: true, filter: (path) => !lstatSync(path).isSymbolicLink() })
      try {
        const account = accountNamed('nobody')!
        const native = { folder: join(closed, 'native'), version }
        const bin = usableBinaries(native, account, () => store)
        expect(bin).to.equal(join(store, `postgres-${version}`, 'bin'))
        const { stdout } = await promisify(execFile)(join(bin, 'postgres'), ['--version'], { ...account, cwd: '/' })
        expect(stdout).to.match(/^postgres \(PostgreSQL\) 18/)
        expect(readdirSync(store), 'nothing unfinished stays').to.deep.equal([`postgres-${version}`])
        for (const path of [join(bin, 'postgres'), bin]) {
          expect(statSync(path).uid).to.equal(0)
          expect(statSync(path).mode & 0o022, 'nobody else can write to it').to.equal(0)
        }
        expect(
          usableBinaries(native, account, () => store),
          'the copy is used again',
        ).to.equal(bin)
      } finally {
        rmSync(store, { recursive: true })
      }
    })
  })
})
