import { expect } from 'chai'
import { ObjectKeyError, type Objects } from '#platform/objects/objects.ts'

/** What any store of objects must do. */
export function objectsConformance(
  name: string,
  open: (test: Mocha.Context) => Promise<{ objects: Objects; close(): Promise<void> }>,
): void {
  describe(`objects in ${name}`, () => {
    let objects: Objects
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
        'a b',
        'é',
        'a\0',
        'a\n',
        'x'.repeat(600),
      ]) {
        expect(await failure(put(key, 'x')), key).to.be.instanceOf(ObjectKeyError)
        expect(await failure(objects.get(key)), key).to.be.instanceOf(ObjectKeyError)
      }
    })
  })
}
