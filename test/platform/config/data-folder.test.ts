import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect } from 'chai'
import { DataFolderError, dataFolder } from '#platform/config/data-folder.ts'

describe('the data folder', () => {
  let root: string
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'vidwiz-data-')))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('is made on first use, with the folders above it, for its owner only', () => {
    const folder = dataFolder(join(root, 'a', 'b'))
    expect(folder).to.equal(join(root, 'a', 'b'))
    expect(statSync(folder).mode & 0o777).to.equal(process.getuid?.() === 0 ? 0o711 : 0o700)
  })

  it('is named by an absolute path, whatever was given', () =>
    expect(dataFolder(relative(process.cwd(), join(root, 'data')))).to.equal(join(root, 'data')))

  it('keeps what is in it, and the mode that somebody gave it', () => {
    const folder = join(root, 'mine')
    mkdirSync(folder, { mode: 0o755 })
    writeFileSync(join(folder, 'kept'), '')
    dataFolder(folder)
    expect(existsSync(join(folder, 'kept'))).to.equal(true)
    expect(statSync(folder).mode & 0o777).to.equal(0o755)
  })

  it('may be a link to a folder', () => {
    mkdirSync(join(root, 'real'))
    symlinkSync(join(root, 'real'), join(root, 'link'))
    expect(dataFolder(join(root, 'link'))).to.equal(join(root, 'link'))
  })

  it('is refused in one line when it is a file, or below one', () => {
    writeFileSync(join(root, 'file'), '')
    for (const path of [join(root, 'file'), join(root, 'file', 'below')])
      expect(() => dataFolder(path)).to.throw(
        DataFolderError,
        /^The data folder .* cannot be used \(it is not a folder\): set VIDWIZ_DATA .*$/,
      )
  })

  it('is refused in one line when it cannot be written', () => {
    // closed to everybody, to root as well
    const path = process.platform === 'linux' ? '/sys/vidwiz' : '/System/vidwiz'
    expect(() => dataFolder(path)).to.throw(DataFolderError, /^The data folder .* cannot be used \(.+\): set VIDWIZ_DATA .*$/)
  })
})
