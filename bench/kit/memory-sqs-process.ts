import type { AddressInfo } from 'node:net'
import { buildApp } from 'fauxqs'

// SQS without a disk: the fastest server that there is on this machine, so that what the client costs shows; or one that lies some
// milliseconds away, as those of AWS do.
const delayMs = Number(process.argv[2])
const app = buildApp({ logger: false })
if (delayMs > 0) app.addHook('onRequest', (_, __, done) => void setTimeout(done, delayMs))
await app.listen({ port: 0, host: '127.0.0.1' })
process.send!((app.server.address() as AddressInfo).port)
process.on('disconnect', () => process.exit(0))
