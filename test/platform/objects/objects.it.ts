import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { expect } from 'chai'
import { awsAccess } from '#platform/aws/access.ts'
import { readSettings } from '#platform/config/settings.ts'
import { ensureBucket } from '#platform/objects/ensure.ts'
import { openObjects } from '#platform/objects/open.ts'
import { startMinistack } from '#test/kit/ministack.ts'
import { startS3 } from '#test/kit/s3.ts'
import { objectsConformance } from './suite.ts'

async function inFolder() {
  const path = mkdtempSync(join(tmpdir(), 'vidwiz-objects-'))
  const objects = await openObjects(readSettings({ VIDWIZ_DATA: path }))
  return { path, objects, close: async () => rmSync(path, { recursive: true }) }
}

async function inS3() {
  const s3 = await startS3()
  const objects = await openObjects(readSettings(s3.env))
  const close = async () => {
    objects.close()
    await s3.stop()
  }
  return { s3, objects, close }
}

objectsConformance('the data folder', inFolder)
objectsConformance('S3', inS3)

describe('MiniStack', () => {
  objectsConformance('MiniStack', async (test) => {
    const { env, stop } = await startMinistack(test)
    const settings = readSettings({ ...env, S3_BUCKET_NAME: 'things' })
    expect(await ensureBucket('things', awsAccess(settings, 'S3'))).to.equal(true)
    expect(await ensureBucket('things', awsAccess(settings, 'S3'))).to.equal(false)
    const objects = await openObjects(settings)
    const close = async () => {
      objects.close()
      await stop()
    }
    return { objects, close }
  })
})

describe('an object', () => {
  it('in the data folder leaves nothing unfinished behind, and is for its owner only', async () => {
    const { path, objects, close } = await inFolder()
    await objects.put('transcripts/a.json', '[]', 'application/json')
    await objects.put('transcripts/a.json', '[1]', 'application/json')
    const files = readdirSync(join(path, 'objects'), { recursive: true }).map(String).sort()
    expect(files).to.deep.equal(['transcripts', 'transcripts/a.json'])
    expect(statSync(join(path, 'objects', 'transcripts', 'a.json')).mode & 0o777).to.equal(0o600)
    await close()
  })

  it('in S3 has the content type it was given', async () => {
    const { s3, objects, close } = await inS3()
    await objects.put('transcripts/a.json', '[]', 'application/json')
    const { ContentType } = await s3.client.send(new GetObjectCommand({ Bucket: 'things', Key: 'transcripts/a.json' }))
    expect(ContentType).to.equal('application/json')
    await close()
  })

  it('in S3 is found by AWS_ENDPOINT_URL where S3_ENDPOINT is not set, and by S3_ENDPOINT where both are', async () => {
    const { s3, objects, close } = await inS3()
    await objects.put('a', 'here', 'text/plain')
    const { S3_ENDPOINT, ...env } = s3.env
    for (const where of [{ AWS_ENDPOINT_URL: S3_ENDPOINT }, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', S3_ENDPOINT }]) {
      const same = await openObjects(readSettings({ ...env, ...where }))
      expect(String(await same.get('a'))).to.equal('here')
      same.close()
    }
    await close()
  })

  it('is an error, and not absent, when the store cannot be reached', async () => {
    const { objects, s3, close } = await inS3()
    await s3.stop()
    const error = (work: Promise<unknown>) => work.catch((error) => error)
    expect(await error(objects.put('a', 'b', 'text/plain'))).to.be.instanceOf(Error)
    expect(await error(objects.get('a'))).to.be.instanceOf(Error)
    await close().catch(() => {})
  })
})
