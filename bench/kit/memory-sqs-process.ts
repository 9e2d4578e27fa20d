import type { AddressInfo } from 'node:net'
import { buildApp } from 'fauxqs'

// SQS in memory: the fastest possible server on this machine, to show the client's cost; or one with a delay, like a server on AWS.
const delayMs = Number(process.argv[2])
const app = buildApp({ logger: false })
if (delayMs > 0) app.addHook('onRequest', (_, __, done) => void setTimeout(done, delayMs))
await app.listen({ port: 0, host: '127.0.0.1' })
process.send!((app.server.address() as AddressInfo).port)
process.on('disconnect', () => process.exit(0))
