import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { findPython, OLDEST_PYTHON } from '#platform/python/find.ts'
import { givenYtDlp, installedYtDlp, PINNED_VERSION, readyYtDlp } from '#platform/ytdlp/install.ts'
import { eventually } from '#test/kit/eventually.ts'
import { pythonOrSkip } from '#test/kit/yt-dlp.ts'

const project = join(import.meta.dirname, '../../../platform/ytdlp')

/** Installs in a process of its own, and prints the path. */
const installer = (data: string) => [
  '--disable-warning=ExperimentalWarning',
  '--input-type=module',
  '-e',
  `const i = await import('${project}/install.ts'); let own = 'waited'
   const { path } = await i.installedYtDlp({ data: process.argv[1], onInstall: () => { own = 'installed' } }); console.log(own, path)`,
  data,
]

describe('the installation of yt-dlp', function () {
  this.timeout(120_000)
  let data: string
  let folder: string
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'vidwiz-install-'))
    folder = join(data, 'yt-dlp')
  })
  afterEach(() => rmSync(data, { recursive: true }))

  it('is made once by two who need it at once, follows the lock, is found again, and is made again when Python has moved', async function () {
    await pythonOrSkip(this)
    const both = await Promise.all([1, 2].map(() => promisify(execFile)(process.execPath, installer(data))))
    const [[one, path], [two, same]] = both.map(({ stdout }) => stdout.trim().split(' ')) as [string[], string[]]
    expect([one, two].sort()).to.deep.equal(['installed', 'waited'])
    expect(same).to.equal(path)
    expect(readdirSync(folder)).to.have.length(1)
    expect(await readyYtDlp(data)).to.deep.equal({ path, version: PINNED_VERSION })
    expect(await givenYtDlp(path!)).to.deep.equal({ path, version: PINNED_VERSION })
    const { stderr } = await promisify(execFile)(path!, [
      '--ignore-config',
      '-v',
      '--js-runtimes',
      `node:${process.execPath}`,
    ]).catch((error) => error)
    expect(stderr)
      .to.contain('yt_dlp_ejs-')
      .and.to.contain('curl_cffi-')
      .and.to.match(/JS runtimes: node-\d+/)

    writeFileSync(path!, readFileSync(path!, 'utf8').replace(/exec '.*?'/, "exec '/nowhere/python3'"))
    expect(await readyYtDlp(data)).to.equal(undefined)
    expect(await installedYtDlp({ data })).to.deep.equal({ path, version: PINNED_VERSION })
    expect((await givenYtDlp(path!)).version).to.equal(PINNED_VERSION)
  })

  it('is not used when it was killed half way, and is made again', async function () {
    await pythonOrSkip(this)
    const killed = spawn(process.execPath, installer(data), { stdio: 'ignore', detached: true })
    await eventually(() => expect(readdirSync(folder).join()).to.contain('unfinished-'))
    process.kill(-killed.pid!, 'SIGKILL')
    await once(killed, 'close')
    expect(await readyYtDlp(data)).to.equal(undefined)
    const told: string[] = []
    const { path } = await installedYtDlp({ data, onProgress: (text) => told.push(text) })
    expect((await givenYtDlp(path)).version).to.equal(PINNED_VERSION)
    // uv says nothing of what lies in its cache.
    for (const text of told) expect(text).to.match(/^[\w-]+, [\d.]+ [kM]B$/)
  })

  describe('without a Python that is new enough', () => {
    it('says in one line what to do', async () => {
      const bin = join(data, 'bin')
      mkdirSync(bin)
      const nothing = await installedYtDlp({ data, env: { PATH: bin } }).catch((error) => error)
      expect(nothing.message).to.match(/^no Python 3\.11 or later, .*: install python3 .*$/)
      writeFileSync(join(bin, 'python3'), '#!/bin/sh\necho 3.9 /usr/bin/python3\n')
      chmodSync(join(bin, 'python3'), 0o755)
      const old = await installedYtDlp({ data, env: { PATH: `${bin}:/bin-that-is-not-there` } }).catch((error) => error)
      expect(old.message).to.contain('(found: 3.9)')
      expect(readdirSync(folder)).to.deep.equal([])
    })

    it('is what the lock says about Python', () => {
      expect(readFileSync(join(project, 'project/pyproject.toml'), 'utf8'))
        .to.contain(`requires-python = ">=${OLDEST_PYTHON}"`)
        .and.to.contain(`yt-dlp[curl-cffi,default]==${PINNED_VERSION}"`)
    })
  })

  it('says why when no way to install works, and leaves nothing behind', async function () {
    await pythonOrSkip(this)
    const { found } = await findPython()
    // Nobody answers there.
    const env = {
      PATH: `${found!.path.replace(/\/[^/]*$/, '')}:/usr/bin:/bin`,
      PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
      PIP_RETRIES: '0',
      PIP_NO_INDEX: '1',
      PIP_FIND_LINKS: '',
    }
    const { message } = await installedYtDlp({ data, env }).catch((error) => error)
    expect(message).to.match(/^yt-dlp could not be installed \(.*pip: .*venv: .*\): fix one of these causes, or set YTDLP_PATH$/)
    expect(readdirSync(folder)).to.deep.equal([])
  })

  it('of somebody else is refused when it is too old, or is none', async () => {
    const old = join(data, 'yt-dlp-of-yours')
    writeFileSync(old, '#!/bin/sh\necho 2023.03.04\n')
    chmodSync(old, 0o755)
    expect((await givenYtDlp(old).catch((error) => error)).message).to.match(/is yt-dlp 2023\.03\.04, too old for YouTube/)
    expect((await givenYtDlp('/nowhere/yt-dlp').catch((error) => error)).message).to.match(/cannot be run as yt-dlp/)
    expect(existsSync(folder)).to.equal(false)
  })
})
