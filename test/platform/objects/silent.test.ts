import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { s3Objects } from '#platform/objects/s3.ts'

describe('a store that falls silent in the midst of an object', () => {
  it('is not waited for without an end', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'Content-Length': '100' })
      response.write('half of it')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const objects = s3Objects({
      bucket: 'things',
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      silenceMs: 100,
    })
    try {
      const error = await objects.get('some/object').catch((error) => error)
      expect(error.message).to.equal('nothing came of the object for 0.1 s')
    } finally {
      objects.close()
      server.closeAllConnections()
      server.close()
    }
  })
})
