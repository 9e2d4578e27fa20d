import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { identity } from '#platform/processes.ts'
import { client } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { vidwiz } from '#test/kit/run.ts'

const BANNER = /VidWiz is running/

describe('vidwiz start', function () {
  this.timeout(90_000)
  let folder: string
  let env: NodeJS.ProcessEnv
  let url: string
  let opsUrl: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "vidwiz's start-"))
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    opsUrl = `http://127.0.0.1:${await freePort()}`
    env = { VIDWIZ_DATA: join(folder, 'data'), PORT: String(port), OPS_PORT: new URL(opsUrl).port, AWS_LOCAL_PORT: '0' }
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** Runs the very lines that the banner shows. */
  const paste = async (banner: string) => {
    const lines = banner.split('\n').filter((line) => /^ {2}(curl|TOKEN=)/.test(line))
    expect(lines).to.have.length(3)
    const { execFileSync } = await import('node:child_process')
    return execFileSync('sh', ['-c', lines.join('\n')], { encoding: 'utf8' })
  }

  /** A shell of somebody who has just opened another terminal, with nothing set. */
  const elsewhere = { cwd: tmpdir(), env: { PATH: process.env.PATH, HOME: process.env.HOME }, encoding: 'utf8' as const }

  /** Runs lines as a person does who has just opened another terminal. */
  const shell = (lines: string) => spawnSync('sh', ['-c', lines], { ...elsewhere, timeout: 60_000 })

  /** Runs the other commands that it names. Returns the first ones: to go to the folder of VidWiz, and to look. */
  const look = async (banner: string) => {
    const [go, ...commands] = banner
      .split('another terminal:\n\n')[1]!
      .split('\n\nCtrl-C')[0]!
      .split('\n')
      .map((line) => line.trim())
    const [looks, tail] = [commands.filter((line) => !line.includes(' tail ')), commands.find((line) => line.includes(' tail '))!]
    expect(looks).to.have.length(2)
    const looked = shell([go, ...looks].join('\n'))
    expect([looked.status, looked.stderr], looked.stdout).to.deep.equal([0, ''])
    expect(looked.stdout)
      .to.match(/notes +vidwiz\.notes/)
      .and.to.contain('Usage: vidwiz')
    const read = shell(`${go}\n${tail} --no-follow`)
    expect([read.status, read.stderr]).to.deep.equal([0, ''])
    expect(read.stdout).to.contain('NoteCreated')

    const within = (name: RegExp) => banner.match(name)?.[1] ?? 'false'
    const password = shell(`${go}\n${within(/Ops page.*\(password: (.*)\)/)}`)
    expect([password.status, password.stderr]).to.deep.equal([0, ''])
    const signIn = () => client(opsUrl).call('POST', '/api/session', { secret: password.stdout.trim() })
    expect((await eventually(signIn)).status).to.be.within(200, 204)
    const queues = shell(`${go}\n${within(/other programs: (.*)\)/)}`)
    expect([queues.status, queues.stderr]).to.deep.equal([0, ''])
    expect(queues.stdout).to.contain('AWS_ACCESS_KEY_ID')

    const [, postgres, name, file] = banner.match(/Postgres +(\S+) +\(password: (\w+) in (.*)\)/)!
    const url = new URL(postgres!)
    url.password = JSON.parse(readFileSync(file!, 'utf8'))[name!]
    const db = openDb(url.href, { max: 1 })
    expect(await db.query('t', "select count(*)::int as n from log.events where type = 'NoteCreated'")).to.deep.equal([{ n: 1 }])
    await db.close()
    return { go, lag: looks[0]! }
  }

  it('ends in a banner whose every line works when pasted, stops on Ctrl-C, and goes on with all data', async function () {
    this.timeout(180_000)
    const first = vidwiz(['start'], env)
    await first.prints(/all data stays/)
    const printed = await paste(first.stdout())
    expect(printed).to.contain('User created successfully').and.to.contain('"text":"a note"')
    const { go, lag } = await look(first.stdout())
    first.process.kill('SIGINT')
    expect(await first.finished).to.include({ code: 0, stderr: '' })
    for (const part of ['api', 'projector'])
      expect(readFileSync(join(env.VIDWIZ_DATA!, 'logs', `${part}.log`), 'utf8'), part).to.match(/"msg":"stopped"\}\n$/)

    // What is said when it does not run can be pasted as well.
    const refused = shell(`${go}\n${lag}`)
    const again = refused.stderr.match(/start VidWiz first \((.*)\), or/)?.[1]
    expect(again, refused.stderr).to.match(/^VIDWIZ_DATA=\S.* make start$/)
    expect(shell(`${go}\n${again!.replace('make start', 'printenv VIDWIZ_DATA')}`).stdout.trim()).to.equal(env.VIDWIZ_DATA)

    const second = vidwiz(['start'], env)
    await second.prints(BANNER)
    const guest = client(url)
    const { body } = await guest.call('POST', '/v2/auth/login', { email: 'you@example.com', password: 'correct horse' })
    const notes = await client(url, body.token).call('GET', '/v2/videos/dQw4w9WgXcQ/notes')
    expect(notes.body.map((note: { text: string }) => note.text)).to.deep.equal(['a note'])
    second.process.kill('SIGTERM')
    expect(await second.finished).to.include({ code: 0, stderr: '' })
  })

  it('starts again after a crash that left Postgres running, with all data', async () => {
    const first = vidwiz(['start'], env)
    await first.prints(BANNER)
    await paste(first.stdout())
    first.process.kill('SIGKILL')
    await first.finished
    // The parts notice that nobody supervises them any more, and end.
    await eventually(async () => {
      const answered = await client(url)
        .call('GET', '/health')
        .then(
          () => true,
          () => false,
        )
      expect(answered).to.equal(false)
    })
    const second = vidwiz(['start'], env)
    await second.prints(BANNER)
    const { status } = await client(url).call('POST', '/v2/auth/login', { email: 'you@example.com', password: 'correct horse' })
    expect(status).to.equal(200)
    second.process.kill('SIGINT')
    expect((await second.finished).code).to.equal(0)
  })

  const postgresRuns = () => existsSync(join(env.VIDWIZ_DATA!, 'postgres', 'postmaster.pid'))

  it('ends what is left of a start that was killed, says so, and starts', async () => {
    const first = vidwiz(['start'], env)
    await first.prints(BANNER)
    const { parts } = JSON.parse(readFileSync(join(env.VIDWIZ_DATA!, 'parts.json'), 'utf8'))
    const api = Number(parts.api.split('@')[0])
    // A frozen process cannot notice that its supervisor is gone.
    process.kill(api, 'SIGSTOP')
    try {
      first.process.kill('SIGKILL')
      await first.finished
      const second = vidwiz(['start'], env)
      await second.prints(BANNER)
      expect(identity(api)).to.equal(undefined)
      second.process.kill('SIGINT')
      const { code, stderr } = await second.finished
      expect([code, stderr]).to.deep.equal([
        0,
        `vidwiz: api (process ${api}) was left behind by a supervisor that is gone, and has not ended by itself: killing it\n`,
      ])
    } finally {
      if (identity(api) !== undefined) process.kill(api, 'SIGKILL')
    }
  })

  it('leaves no database running behind when it was killed and nobody starts it again', async () => {
    const killed = vidwiz(['start'], env)
    await killed.prints(BANNER)
    expect(postgresRuns()).to.equal(true)
    killed.process.kill('SIGKILL')
    await killed.finished
    await eventually(() => expect(postgresRuns()).to.equal(false), { withinMs: 30_000, everyMs: 100 })
  })

  it('leaves nothing running behind when it is stopped while it starts', async () => {
    const started = vidwiz(['start'], env)
    await eventually(() => expect(existsSync(join(env.VIDWIZ_DATA!, 'postgres.json'))).to.equal(true))
    started.process.kill('SIGINT')
    expect(await started.finished).to.deep.equal({ code: 0, stdout: '', stderr: '' })
    expect(postgresRuns()).to.equal(false)
  })

  it('stops when its terminal is closed', async () => {
    const started = vidwiz(['start'], env)
    await started.prints(BANNER)
    expect(postgresRuns()).to.equal(true)
    started.process.kill('SIGHUP')
    expect(await started.finished).to.include({ code: 0, stderr: '' })
    expect(postgresRuns()).to.equal(false)
  })

  it('runs also when a log cannot be written or the port of the page for operators is taken, and says so', async () => {
    const other = createServer().listen(Number(env.OPS_PORT), '127.0.0.1')
    mkdirSync(join(env.VIDWIZ_DATA!, 'logs', 'api.log'), { recursive: true })
    const started = vidwiz(['start'], env)
    await started.prints(BANNER)
    await eventually(() => expect(started.stderr()).to.match(/api\.log cannot be written: EISDIR/))
    expect(started.stdout())
      .to.contain(`Idle       ops: port ${env.OPS_PORT} is in use; set OPS_PORT to another one`)
      .and.to.not.contain('Ops page')
    expect((await client(url).call('GET', '/health')).status).to.equal(200)
    started.process.kill('SIGINT')
    expect((await started.finished).code).to.equal(0)
    other.close()
  })

  for (const name of ['api', 'projector', 'fetch-scheduler'])
    it(`names a database that refuses the connection in one line, also as ${name} alone`, async () => {
      const DB_URL = `postgres://someone:top-secret@127.0.0.1:${await freePort()}/x`
      const { code, stderr } = await vidwiz(['run', name], { ...env, DB_URL }).finished
      expect(code).to.equal(1)
      expect(stderr).to.match(/^vidwiz: cannot use the database: .*ECONNREFUSED.*\n$/)
    })

  it('generates secrets once, keeps them private, and never prints them; one of them opens the page for operators', async () => {
    const started = vidwiz(['start'], env)
    await started.prints(BANNER)
    const file = join(env.VIDWIZ_DATA!, 'secrets.json')
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    const secrets: Record<string, string> = JSON.parse(readFileSync(file, 'utf8'))
    expect(secrets).to.have.all.keys('SECRET_KEY', 'ADMIN_TOKEN', 'PG_PASSWORD')
    expect(started.stdout()).to.match(new RegExp(`Ops page   ${opsUrl}  \\(password: VIDWIZ_DATA=.* npx vidwiz ops password\\)`))
    const password = (await vidwiz(['ops', 'password'], env).finished).stdout.trim()
    secrets.OPS_PASSWORD = password
    const { body, headers } = await eventually(() => client(opsUrl).call('POST', '/api/session', { secret: password }))
    expect(body).to.deep.equal({ name: 'operator', role: 'operator' })
    const cookie = headers.get('set-cookie')!.split(';')[0]!
    const { status } = await client(opsUrl).call('GET', '/api/operations', undefined, { cookie })
    expect(status).to.equal(200)
    const page = await client(opsUrl).call('GET', '/')
    expect(page.body).to.contain('<script type="module"')
    started.process.kill('SIGINT')
    const { stdout, stderr } = await started.finished
    const logs = ['api', 'projector', 'reactors', 'local-aws', 'ops'].map((part) =>
      readFileSync(join(env.VIDWIZ_DATA!, 'logs', `${part}.log`), 'utf8'),
    )
    for (const secret of Object.values(secrets)) for (const text of [stdout, stderr, ...logs]) expect(text).to.not.contain(secret)
  })

  const refusals: [string, () => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv>, RegExp][] = [
    [
      'a data folder that cannot be made',
      () => {
        writeFileSync(join(folder, 'file'), '')
        return { VIDWIZ_DATA: join(folder, 'file', 'data') }
      },
      /data folder|VIDWIZ_DATA/i,
    ],
    [
      'a database that refuses the connection',
      async () => ({ DB_URL: `postgres://someone:top-secret@127.0.0.1:${await freePort()}/x` }),
      /cannot use the database at postgres:\/\/someone@127\.0\.0\.1.*ECONNREFUSED/,
    ],
    [
      'a database whose password stands behind the question mark',
      async () => ({ DB_URL: `postgres://someone@127.0.0.1:${await freePort()}/x?password=top-secret` }),
      /cannot use the database at postgres:\/\/someone@127\.0\.0\.1.*ECONNREFUSED/,
    ],
    [
      'an address of a database that is none',
      () => ({ DB_URL: 'postgres://someone:top-secret%zz@127.0.0.1:5432/x' }),
      /^vidwiz: DB_URL .*%25/,
    ],
  ]
  for (const [what, given, says] of refusals)
    it(`names ${what} in one line and exits with code 1`, async () => {
      const { code, stderr, stdout } = await vidwiz(['start'], { ...env, ...(await given()) }).finished
      expect(code).to.equal(1)
      expect(stderr).to.match(says)
      expect(stderr.trim().split('\n')).to.have.length(1)
      expect(stderr + stdout).to.not.contain('top-secret')
    })

  it('names a busy port in one line, exits with code 1, and has started nothing', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await vidwiz(['start'], { ...env, PORT: String(port) }).finished
    other.close()
    expect({ code, stderr }).to.deep.equal({ code: 1, stderr: `vidwiz: port ${port} is in use; set PORT to another one\n` })
  })

  it('names all that is wrong with the environment at once', async () => {
    const { code, stderr } = await vidwiz(['start'], {
      ...env,
      PORT: 'eighty',
      JWT_EXPIRY_HOURS: '-1',
      ENVIRONMENT: 'moon',
      DB_URL: 'mysql://x',
    }).finished
    expect(code).to.equal(1)
    for (const name of ['PORT', 'JWT_EXPIRY_HOURS', 'ENVIRONMENT', 'DB_URL'])
      expect(stderr).to.match(new RegExp(`^vidwiz: ${name} must`, 'm'))
    expect(stderr.trim().split('\n')).to.have.length(4)
  })
})
