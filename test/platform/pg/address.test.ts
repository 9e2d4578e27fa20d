import { expect } from 'chai'
import { addressesOf, databaseIn, inDatabase, shown, withoutSecrets, wrongWith } from '#platform/pg/address.ts'

const LOGIN = { user: 'u', password: 'p@ss', database: 'd' }
/** Without the settings of TLS. */
const places = (url: string) => addressesOf(url).map(({ host, port, ssl }) => [host, port, Boolean(ssl)])

describe('the URL of a database', () => {
  it('names one server', () => {
    expect(addressesOf('postgres://u:p%40ss@db.example:5433/d')).to.deep.equal([
      { host: 'db.example', port: 5433, ...LOGIN, ssl: false },
    ])
    expect(addressesOf('postgresql://db')).to.deep.equal([{ host: 'db', ssl: false }])
    expect(places('postgres://[::1]:5433/d')).to.deep.equal([['::1', 5433, false]])
  })

  it('names several servers, with ports of their own or one for all', () => {
    expect(places('postgres://u:p@one:1,two,[::1]:3/d?target_session_attrs=read-write')).to.deep.equal([
      ['one', 1, false],
      ['two', undefined, false],
      ['::1', 3, false],
    ])
    expect(places('postgres:///d?host=one,::1&port=5433')).to.deep.equal([
      ['one', 5433, false],
      ['::1', 5433, false],
    ])
  })

  it('names the folder of a socket, which never has TLS', () => {
    for (const url of [
      'postgres://u@/d?host=/var/run/pg&port=5433',
      'postgres:///d?host=%2Fvar%2Frun%2Fpg&port=5433&sslmode=require',
      'postgres://%2Fvar%2Frun%2Fpg:5433/d',
    ])
      expect(places(url), url).to.deep.equal([['/var/run/pg', 5433, false]])
  })

  it('says when to use TLS and what to check, as libpq has it', () => {
    const tls = (mode: string) =>
      addressesOf(`postgres://db/d?sslmode=${mode}`).map(
        ({ ssl }) => ssl && [ssl.rejectUnauthorized, ssl.checkServerIdentity === undefined],
      )
    expect(tls('disable')).to.deep.equal([false])
    expect(tls('allow')).to.deep.equal([false, [false, false]])
    expect(tls('prefer')).to.deep.equal([[false, false], false])
    expect(tls('require')).to.deep.equal([[false, false]])
    expect(tls('verify-ca')).to.deep.equal([[true, false]])
    expect(tls('verify-full')).to.deep.equal([[true, true]])
  })

  it('says in a line what is wrong with it', () => {
    const wrong: [string, RegExp][] = [
      ['postgres://u:1/ss@db/d', /must be postgres:\/\/.*write @ as %40/],
      ['postgres://u:100%@db/d', /a % begins no escape/],
      ['postgres://db:70000/d', /^must be postgres/],
      ['postgres://a,b,c/d?port=1,2', /3 hosts and 2 ports/],
      ['postgres://db/d?sslmode=maybe', /sslmode=maybe is unknown: use disable, allow, prefer/],
      ['postgres://db/d?sslmode=verify-ca&sslrootcert=/nowhere.pem', /cannot read the sslrootcert.*ENOENT/],
      ['postgres://db/d?target_session_attrs=standby', /target_session_attrs=standby: VidWiz writes/],
    ]
    for (const [url, said] of wrong) {
      expect(wrongWith(url), url).to.match(said)
      expect(wrongWith(url)).not.to.contain('ss@')
    }
    expect(wrongWith('postgres://db/d?connect_timeout=5')).to.equal(undefined)
  })

  it('leads to another database in the same way', () => {
    const url = 'postgres://u:p%40@one:1,two/d?host=%2Fpg&sslmode=require'
    expect(databaseIn(url)).to.equal('d')
    expect(databaseIn('postgres://someone@db')).to.equal('someone')
    expect(inDatabase(url, 'a door')).to.equal('postgres://u:p%40@one:1,two/a%20door?host=%2Fpg&sslmode=require')
  })

  it('is shown without its secrets', () => {
    expect(withoutSecrets('postgres://u:hush@one:1,two/d?password=hush')).to.equal('postgres://u@one:1,two/d')
    expect(addressesOf('postgres://u:hush@one,[::1]:3,/d?sslmode=require').map(shown)).to.deep.equal([
      'one:5432 with TLS',
      '::1:3 with TLS',
      'localhost:5432 with TLS',
    ])
  })
})
