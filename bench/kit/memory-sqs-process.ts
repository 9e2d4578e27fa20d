import type { AddressInfo } from 'node:net'
import { buildApp } from 'fauxqs'

// SQS without a disk: the fastest server that there is on this machine, so that what the client costs shows.
const app = buildApp({ logger: false })
await app.listen({ port: 0, host: '127.0.0.1' })
process.send!((app.server.address() as AddressInfo).port)
process.on('disconnect', () => process.exit(0))
