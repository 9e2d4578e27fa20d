import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ObjectKeyError, type ObjectStore } from '#platform/objects/objects.ts'

/** We give no such names; workers of others may. */
const OF_OTHERS = ['a b', 'é']
/** For a file system. */
const TOO_LONG = 'x'.repeat(600)

/** What any store of objects must do. */
export function objectsConformance(
  name: string,
  open: (test: Mocha.Context) => Promise<{ objects: ObjectStore; close(): Promise<void> }>,
): void {
  describe(`objects in ${name}`, () => {
    let objects: ObjectStore
    let close: () => Promise<void>
    before(async function () {
      ;({ objects, close } = await open(this))
    })
    after(() => close?.())

    const put = (key: string, body: Buffer | string) => objects.put(key, body, 'application/json')
    const failure = (work: Promise<unknown>) => work.then(() => undefined).catch((error) => error)

    it('come back to the letter', async () => {
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256))
      const bodies = { 'transcripts/a-B_1.json': '[{"text":"é😀"}]', 'a/b/c.d': bytes, empty: '', x: 'y'.repeat(6_000_000) }
      for (const [key, body] of Object.entries(bodies)) await put(key, body)
      for (const [key, body] of Object.entries(bodies)) expect((await objects.get(key))!.equals(Buffer.from(body))).to.equal(true)
    })

    it('are undefined when they are not there', async () => {
      await put('there/one', '1')
      for (const key of ['nowhere', 'there/two', 'there/one.json']) expect(await objects.get(key)).to.equal(undefined)
    })

    it('keep what they were put with, and lose it with the next one', async () => {
      await objects.put('kept/one', 'four', 'text/plain', { sha256: 'abc', seconds: '1.5' })
      expect(await objects.head('kept/one')).to.deep.equal({ sizeBytes: 4, metadata: { sha256: 'abc', seconds: '1.5' } })
      await put('kept/one', 'three')
      expect(await objects.head('kept/one')).to.deep.equal({ sizeBytes: 5, metadata: {} })
      for (const key of ['nowhere', 'kept', 'kept/two']) expect(await objects.head(key)).to.equal(undefined)
    })

    it('are gone when they were deleted, and what is not there can be deleted', async () => {
      await objects.put('gone/one', 'x', 'text/plain', { sha256: 'abc' })
      for (let time = 1; time <= 2; time++) await objects.delete('gone/one')
      expect([await objects.head('gone/one'), await objects.get('gone/one')]).to.deep.equal([undefined, undefined])
    })

    it('go from a file to a file, however large, with what they are kept with', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'vidwiz-files-'))
      for (const bytes of [0, 70_000, 20_000_001]) {
        const body = Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 31 + (i >> 8)) % 256))
        writeFileSync(join(folder, 'from'), body)
        await objects.putFile('files/one', join(folder, 'from'), 'audio/mpeg', { metadata: { sha256: String(bytes) } })
        const head = { sizeBytes: bytes, metadata: { sha256: String(bytes) } }
        expect(await objects.head('files/one')).to.deep.equal(head)
        expect(await objects.getFile('files/one', join(folder, 'to'))).to.deep.equal(head)
        expect(readFileSync(join(folder, 'to')).equals(body)).to.equal(true)
      }
      expect(await objects.getFile('files/two', join(folder, 'none'))).to.equal(undefined)
      expect(readdirSync(folder).sort()).to.deep.equal(['from', 'to'])
      const ended = AbortSignal.abort()
      expect(await failure(objects.getFile('files/one', join(folder, 'to'), { signal: ended }))).to.be.instanceOf(Error)
      expect(await failure(objects.putFile('files/never', join(folder, 'from'), 'a/b', { signal: ended }))).to.be.instanceOf(
        Error,
      )
      expect(await objects.head('files/never')).to.equal(undefined)
      // One that fails leaves the object before it, and what that was kept with.
      const other = { metadata: { sha256: 'other' }, signal: ended }
      const before = await objects.head('files/one')
      expect(await failure(objects.putFile('files/one', join(folder, 'from'), 'a/b', other))).to.be.instanceOf(Error)
      expect(await objects.head('files/one')).to.deep.equal(before)
      rmSync(folder, { recursive: true })
    })

    it('replace one another whole: a reader sees one of them, never a part', async () => {
      const versions = Array.from({ length: 20 }, (_, i) => String(i % 10).repeat(200_000 - i * 5_000))
      await put('changing', versions[0]!)
      let writing = true
      const reading = (async () => {
        while (writing) expect(versions.includes((await objects.get('changing'))!.toString())).to.equal(true)
      })()
      for (const version of versions) await put('changing', version)
      writing = false
      await reading
      expect((await objects.get('changing'))!.toString()).to.equal(versions.at(-1))
    })

    it('refuse a key that could lead elsewhere', async () => {
      for (const key of [
        '',
        '/',
        '/etc/passwd',
        '../up',
        'a/../b',
        'a/..',
        'a//b',
        'a/',
        '.hidden',
        'a/.b',
        'a\\b',
        'a\0',
        'a\n',
        ...OF_OTHERS,
        TOO_LONG,
      ]) {
        expect(await failure(put(key, 'x')), key).to.be.instanceOf(ObjectKeyError)
        for (const ask of [objects.head, objects.delete]) expect(await failure(ask(key)), key).to.be.instanceOf(ObjectKeyError)
        if (![...OF_OTHERS, TOO_LONG].includes(key)) expect(await failure(objects.get(key)), key).to.be.instanceOf(ObjectKeyError)
      }
    })

    it('look under names that others may have given, as long as they lead nowhere else', async () => {
      for (const key of OF_OTHERS) expect(await objects.get(key), key).to.equal(undefined)
    })
  })
}
