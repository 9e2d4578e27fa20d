import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { administer } from './postgres.ts'

export interface Tls {
  /** CA certificate that signed the server's certificate, which is valid only for `localhost`. */
  root: string
  /** A CA certificate that did not sign it. */
  otherRoot: string
  /** Turns TLS off again. */
  stop(): Promise<void>
}

/** Turns on TLS for a database's server, with a self-made certificate. */
export async function speakTls(url: string): Promise<Tls> {
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-tls-'))
  const file = (name: string) => join(folder, name)
  const openssl = (line: string, ...more: string[]) =>
    execFileSync('openssl', [...line.split(' '), ...more], { cwd: folder, stdio: 'ignore' })
  openssl('req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj', '/CN=our own')
  openssl(
    'req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=elsewhere -addext subjectAltName=DNS:localhost',
  )
  openssl('x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -out server.pem -days 2')
  openssl('req -x509 -newkey rsa:2048 -nodes -days 2 -keyout other.key -out other.pem -subj', '/CN=somebody else')
  // The server may run as another user, and only that user may read the key.
  for (const name of ['server.pem', 'server.key'])
    await administer(
      url,
      `copy (select unnest(string_to_array($$${readFileSync(file(name), 'utf8').trim()}$$, e'\\n'))) to program 'umask 077; cat > ${name}'`,
    )
  const turn = async (state: 'on' | 'off') => {
    await administer(url, `alter system set ssl = ${state}`)
    await administer(url, 'select pg_reload_conf()')
  }
  await administer(url, `alter system set ssl_cert_file = 'server.pem'`)
  await administer(url, `alter system set ssl_key_file = 'server.key'`)
  await turn('on')
  return {
    root: file('ca.pem'),
    otherRoot: file('other.pem'),
    async stop() {
      await turn('off')
      rmSync(folder, { recursive: true })
    },
  }
}
