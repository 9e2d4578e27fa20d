import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { newUser } from '#test/kit/client.ts'
import { findSecrets } from '#test/kit/secrets.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

describe('P9: no secret enters the log', function () {
  this.timeout(60_000)
  let stack: Stack
  before(async () => {
    stack = await startStack({ LOG_LEVEL: 'trace' })
  })
  after(() => stack?.stop())

  it('holds no password, hash, token or key in any event, kept state, view, used key or log line', async () => {
    const person = await newUser(stack.url)
    const key = { 'idempotency-key': 'key-of-the-token' }
    const { body: issued } = await person.call('POST', '/v2/auth/tokens', undefined, key)
    await person.call(
      'POST',
      '/v2/videos/dQw4w9WgXcQ/notes',
      { timestamp: '0:43', text: 'a note' },
      { authorization: `Bearer ${issued.token}` },
    )
    await person.call('POST', '/v2/auth/login', { email: person.email, password: 'a wrong secret password' })
    await person.call('POST', '/v2/auth/register', { email: 'broken', password: 'an unaccepted password', name: 'X' })
    await person.call('GET', '/v2/users/me', undefined, { authorization: 'Bearer a-forged-token-that-fails' })
    await person.call('DELETE', '/v2/auth/tokens')
    const guest = { 'x-guest-session-id': 'a-session-id-of-a-guest', authorization: '' }
    const { body: talk } = await person.call('POST', '/v2/conversations', { video_id: 'dQw4w9WgXcQ' }, guest)
    await person.call('GET', `/v2/conversations/${talk.id}/messages`, undefined, guest)

    const db = openDb(stack.databaseUrl)
    try {
      const hashes = await db.query<{ value: string }>('t.hashes', 'select value from log.credentials')
      expect(hashes).to.have.length(1)
      const secrets = [
        person.password,
        person.token,
        issued.token,
        hashes[0]!.value,
        stack.secretKey,
        stack.adminToken,
        'a wrong secret password',
        'an unaccepted password',
        'a-forged-token-that-fails',
        'a-session-id-of-a-guest',
      ]
      // Every table but the one that credentials live in.
      const tables = await db.query<{ name: string }>(
        't.tables',
        `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('log', 'views') and tablename <> 'credentials'`,
      )
      expect(tables.map((t) => t.name)).to.include.members([
        'log.events',
        'log.snapshots',
        'log.idempotency_keys',
        'views.users',
        'views.conversations',
      ])
      const stored = (
        await Promise.all(
          tables.map(({ name }) => db.query<{ row: string }>(`t.${name}`, `select t::text as row from ${name} t`)),
        )
      ).flat()
      expect(stored.length).to.be.greaterThan(8)
      expect(findSecrets([...stored.map(({ row }) => row), ...stack.output], secrets)).to.deep.equal([])
      // The search itself works: the hash is found where it belongs.
      expect(
        findSecrets(
          hashes.map(({ value }) => value),
          secrets,
        ),
      ).to.have.length.greaterThan(0)
    } finally {
      await db.close()
    }
  })
})
