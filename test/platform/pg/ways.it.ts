import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { freePort } from '#test/kit/free-port.ts'
import { freshDatabase, type NewDatabase } from '#test/kit/postgres.ts'
import { speakTls, type Tls } from '#test/kit/tls.ts'

describe('ways to connect', function () {
  this.timeout(30_000)
  let database: NewDatabase
  let folder: string
  const servers: Server[] = []
  before(async () => {
    database = await freshDatabase()
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-ways-'))
  })
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })
  after(async () => {
    await database.drop()
    rmSync(folder, { recursive: true })
  })

  const parts = () => {
    const { username, password, hostname, port } = new URL(database.url)
    return { login: `${username}:${password}`, server: `${hostname}:${port}`, port: Number(port) }
  }

  /** Whether the connection of a statement has TLS. */
  const asked = async (url: string): Promise<{ tls: boolean }> => {
    const db = openDb(url, { max: 2 })
    try {
      const [row] = await db.query<{ tls: boolean }>('t.tls', 'select ssl as tls from pg_stat_ssl where pid = pg_backend_pid()')
      return row!
    } finally {
      await db.close()
    }
  }
  const refusal = (url: string): Promise<string> =>
    asked(url).then(
      () => 'connected',
      (error) => error.message,
    )

  it('lead through a socket', async () => {
    const { login, port } = parts()
    const server = createServer((client) => {
      const postgres = connect(port, '127.0.0.1')
      client.pipe(postgres).pipe(client)
      for (const one of [client, postgres]) one.on('error', () => {})
    }).listen(join(folder, '.s.PGSQL.5432'))
    servers.push(server)
    await once(server, 'listening')
    const url = `postgres://${login}@/${database.name}?host=${folder}`
    expect(await asked(url)).to.deep.equal({ tls: false })
    const listener = openListener(url)
    await listener.ready()
    await listener.close()
  })

  it('lead to the first of several servers that answers, also after it went away', async () => {
    const { login, port } = parts()
    const [gone, proxied] = [await freePort(), await freePort()]
    const open = async () => {
      const sockets = new Set<{ destroy(): void }>()
      const server = createServer((client) => {
        const postgres = connect(port, '127.0.0.1')
        client.pipe(postgres).pipe(client)
        for (const one of [client, postgres]) sockets.add(one.on('error', () => {}))
      }).listen(proxied, '127.0.0.1')
      await once(server, 'listening')
      return () => {
        for (const socket of sockets) socket.destroy()
        server.close()
      }
    }
    const close = await open()
    const url = `postgres://${login}@127.0.0.1:${gone},127.0.0.1:${proxied},127.0.0.1:${port}/${database.name}?target_session_attrs=read-write`
    const db = openDb(url, { max: 1 })
    const seen = async () => (await db.query<{ port: number }>('t.client', 'select 1 as port'))[0]!.port
    expect(await seen()).to.equal(1)
    close()
    // The connection that broke is told of once.
    await seen().catch(() => {})
    await seen().catch(() => {})
    expect(await seen()).to.equal(1)
    await db.close()
    expect(await refusal(`postgres://${login}@127.0.0.1:${gone},127.0.0.1:${gone}/${database.name}`)).to.match(
      /^none of the servers can be used \(127.0.0.1:\d+: connect ECONNREFUSED .*; 127.0.0.1:/,
    )
  })

  it('say that a server has no TLS', async () => {
    const { login, server } = parts()
    const url = `postgres://${login}@${server}/${database.name}`
    expect(await refusal(`${url}?sslmode=require`)).to.match(/^the server at 127.0.0.1:\d+ has no TLS: leave sslmode out/)
    expect(await asked(`${url}?sslmode=prefer&connect_timeout=1`)).to.deep.equal({ tls: false })
  })

  // Not through a pooler of the tests, which has no certificate.
  describe('to a server with TLS', () => {
    let tls: Tls
    before(async () => {
      tls = await speakTls(database.direct)
    })
    after(() => tls.stop())

    it('use it without a check of the certificate with require and prefer', async () => {
      for (const mode of ['require', 'prefer', 'no-verify'])
        expect(await asked(`${database.direct}?sslmode=${mode}`), mode).to.deep.equal({ tls: true })
      for (const mode of ['allow', 'disable'])
        expect(await asked(`${database.direct}?sslmode=${mode}`), mode).to.deep.equal({ tls: false })
    })

    it('check who signed the certificate with verify-ca, or with require and a root certificate', async () => {
      for (const mode of ['verify-ca', 'require']) {
        expect(await asked(`${database.direct}?sslmode=${mode}&sslrootcert=${tls.root}`), mode).to.deep.equal({ tls: true })
        expect(await refusal(`${database.direct}?sslmode=${mode}&sslrootcert=${tls.otherRoot}`), mode).to.match(
          /certificate|signature/,
        )
      }
      expect(await refusal(`${database.direct}?sslmode=verify-ca`)).to.match(/certificate/)
    })

    it('check the name in the certificate as well with verify-full', async () => {
      const root = `sslrootcert=${tls.root}`
      expect(await refusal(`${database.direct}?sslmode=verify-full&${root}`)).to.match(/127\.0\.0\.1/)
      expect(await asked(`${database.direct.replace('127.0.0.1', 'localhost')}?sslmode=verify-full&${root}`)).to.deep.equal({
        tls: true,
      })
    })
  })
})
