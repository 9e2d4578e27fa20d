import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { unzipSync } from 'fflate'
import { functions } from '#services/lambdas/kit/functions.ts'
import { unpacked } from '#services/lambdas/runner/unpack.ts'
import { buildZips } from '#services/lambdas/runner/zips.ts'

const names = functions.map(({ name }) => name)

describe('the zips of the Lambdas', () => {
  const folders: string[] = []
  const folder = () => {
    folders.push(mkdtempSync(join(tmpdir(), 'vidwiz-zips-')))
    return folders.at(-1)!
  }
  after(() => {
    for (const one of folders) rmSync(one, { recursive: true })
  })

  it('are the same bytes whenever and wherever they are made', async () => {
    const zone = process.env.TZ
    try {
      const one = await buildZips(names, folder())
      process.env.TZ = 'Pacific/Auckland'
      const other = await buildZips(names, folder())
      expect(one.map(({ sha256 }) => sha256)).to.deep.equal(other.map(({ sha256 }) => sha256))
      for (const [i, { path }] of one.entries()) expect(readFileSync(path).equals(readFileSync(other[i]!.path))).to.equal(true)
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
  })

  it('are made again only when something that they are made of has changed, or they are damaged', async () => {
    const there = folder()
    const made = async () => (await buildZips(names, there)).map(({ isNew }) => isNew)
    expect(await made()).to.deep.equal([true, true, true])
    expect(await made()).to.deep.equal([false, false, false])

    const stamp = join(there, 'ai-note.json')
    const before = readFileSync(stamp, 'utf8')
    const { sources, ...rest } = JSON.parse(before)
    expect(Object.keys(sources)).to.include.members(['services/lambdas/ai-note/prompt.ts', 'services/lambdas/kit/api.ts'])
    writeFileSync(
      stamp,
      JSON.stringify({ ...rest, sources: { ...sources, 'services/lambdas/ai-note/prompt.ts': 'was another' } }),
    )
    expect(await made()).to.deep.equal([true, false, false])
    expect(readFileSync(stamp, 'utf8')).to.equal(before)

    writeFileSync(join(there, 'ai-summary.zip'), 'damaged')
    expect(await made()).to.deep.equal([false, true, false])
  })

  it('hold one file each, which AWS may read, and neither the SDK nor a comment of a licence', async () => {
    for (const { name, path, sizeBytes } of await buildZips(names, folder())) {
      const bytes = readFileSync(path)
      const files = unzipSync(bytes)
      expect(Object.keys(files)).to.deep.equal(['handler.mjs'])
      // The mode of the file, in the upper half of its external attributes (the central directory's entry begins PK 1 2).
      const entry = bytes.indexOf(Buffer.from('PK\x01\x02', 'latin1'))
      expect(bytes.readUInt32LE(entry + 38) >>> 16, 'rw-r--r--').to.equal(0o100644)
      const code = Buffer.from(files['handler.mjs']!).toString()
      expect(code).to.match(/from ?["']@aws-sdk\/client-(s3|sqs)["']/)
      expect(code).not.to.include('@smithy/core')
      expect(sizeBytes, name).to.be.lessThan(200 * 1024)
    }
  })

  it('export the handler that the template names, wherever they are unpacked beside an SDK', async () => {
    const there = folder()
    const env = {
      S3_BUCKET_NAME: 'b',
      VIDWIZ_ENDPOINT: 'http://127.0.0.1:1',
      VIDWIZ_TOKEN: 't',
      GEMINI_API_KEY: 'k',
      SQS_QUEUE_URL: 'http://127.0.0.1:1/0/q',
      SQS_SUMMARY_QUEUE_URL: 'http://127.0.0.1:1/0/q',
    }
    const before = { ...process.env }
    Object.assign(process.env, env)
    try {
      for (const zip of await buildZips(names, there)) {
        const handler = await unpacked(zip, there)
        expect((await import(handler)).handler, zip.name).to.be.a('function')
      }
    } finally {
      for (const name of Object.keys(env)) if (!(name in before)) delete process.env[name]
    }
  })

  it('leave no older code behind when they are unpacked', async () => {
    const there = folder()
    const [zip] = await buildZips(['tasks-dispatcher'], there)
    const handler = await unpacked(zip!, there)
    cpSync(join(handler, '..'), join(there, 'tasks-dispatcher', 'older'), { recursive: true })
    expect(await unpacked(zip!, there)).to.equal(handler)
    expect(() => readFileSync(join(there, 'tasks-dispatcher', 'older', 'handler.mjs'))).to.throw('ENOENT')
  })
})
