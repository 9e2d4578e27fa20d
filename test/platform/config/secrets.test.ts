import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { opsPassword, SecretsError, secrets } from '#platform/config/secrets.ts'

const NAMES = ['SECRET_KEY', 'ADMIN_TOKEN', 'PG_PASSWORD'] as const

describe('secrets', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-secrets-'))
    file = join(folder, 'secrets.json')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are made once: 32 random bytes each, no two alike', () => {
    const made = secrets(folder, {})
    expect(made).to.have.all.keys(...NAMES)
    for (const name of NAMES) expect(Buffer.from(made[name], 'base64url')).to.have.length(32)
    expect(new Set(Object.values(made)).size).to.equal(3)
    expect(secrets(folder, {})).to.deep.equal(made)
  })

  it('are kept for their owner only, in one file and nothing else', () => {
    secrets(folder, {})
    expect(readdirSync(folder)).to.deep.equal(['secrets.json'])
    expect(statSync(file).mode & 0o777).to.equal(0o600)
  })

  it('have the password of the page for operators beside them, also in a folder that was made before there was one', () => {
    const before = secrets(folder, {})
    const password = opsPassword(folder, {})
    expect(Buffer.from(password, 'base64url')).to.have.length(32)
    expect(opsPassword(folder, {})).to.equal(password)
    expect(opsPassword(folder, { OPS_PASSWORD: 'from the environment' })).to.equal('from the environment')
    expect(secrets(folder, {})).to.deep.equal(before)
    expect(statSync(join(folder, 'ops-password.json')).mode & 0o777).to.equal(0o600)
  })

  it('are closed again when somebody opened the file', () => {
    secrets(folder, {})
    chmodSync(file, 0o644)
    secrets(folder, {})
    expect(statSync(file).mode & 0o777).to.equal(0o600)
  })

  it('come from the environment where set there, which is not written down', () => {
    const given = secrets(folder, { SECRET_KEY: 'from the environment', ADMIN_TOKEN: '' })
    expect(given.SECRET_KEY).to.equal('from the environment')
    expect(given.ADMIN_TOKEN, 'empty is not set').to.have.length(43)
    expect(readFileSync(file, 'utf8')).not.to.include('from the environment')
    expect(secrets(folder, {}).ADMIN_TOKEN).to.equal(given.ADMIN_TOKEN)
  })

  it('are the same for processes that start together', async () => {
    const script = `import { secrets } from '#platform/config/secrets.ts'; console.log(JSON.stringify(secrets(process.argv[1], {})))`
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script, folder]
    const answers = await Promise.all(Array.from({ length: 6 }, () => promisify(execFile)(process.execPath, args)))
    expect(new Set(answers.map(({ stdout }) => stdout)).size).to.equal(1)
    expect(JSON.parse(answers[0]!.stdout)).to.deep.equal(secrets(folder, {}))
    expect(readdirSync(folder)).to.deep.equal(['secrets.json'])
  })

  for (const [what, text] of [
    ['cut short', '{"SECRET_KEY":"hush-hush"'],
    ['lacking one', '{"SECRET_KEY":"hush-hush","ADMIN_TOKEN":"t"}'],
    ['of another shape', '["hush-hush"]'],
    ['empty', ''],
    ['null', 'null'],
  ] as const)
    it(`are not made up again over a file that is ${what}, and the refusal tells no secret`, () => {
      writeFileSync(file, text)
      expect(() => secrets(folder, {}))
        .to.throw(SecretsError, /secrets\.json is damaged/)
        .that.satisfies((e: Error) => !String(e.stack).includes('hush'))
      expect(readFileSync(file, 'utf8')).to.equal(text)
    })
})
