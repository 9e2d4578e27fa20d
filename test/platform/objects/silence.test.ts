import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { s3Objects } from '#platform/objects/s3.ts'

describe('an object of S3', () => {
  it('whose bytes cease to come is an error, not waited for without an end', async () => {
    const server = createServer((_, response) => void response.writeHead(200, { 'content-length': '10' }).write('half')).listen(0)
    const { port } = server.address() as AddressInfo
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    const access = { region: 'eu-west-1', endpoint: `http://127.0.0.1:${port}`, credentials }
    const objects = s3Objects({ bucket: 'things', ...access, silenceMs: 200 })
    const outcome = await objects.get('transcripts/a.json').catch((error: Error) => error.message)
    expect(outcome).to.match(/timed out/)
    objects.close()
    server.closeAllConnections()
    server.close()
  })
})
