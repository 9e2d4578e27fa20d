import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import { openOwner } from '#platform/log/consumers/owners.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'

// A process of the service `projector` as `relief.it.ts` starts it: it lives, has locked its checkpoint in a transaction, and copies what
// comes in over stdin into the table `public.copied` for as long as it comes.
const [url = '', consumer = ''] = process.argv.slice(2)
const db = openDb(url, { name: 'vidwiz projector' })
const listener = openListener(url, { name: 'vidwiz projector' })
const owner = openOwner({ db, listener, service: 'projector' })

const locking = db.tx(async (tx) => {
  await tx.query('update log.checkpoints set owner = $1, pos = pos + 1 where consumer = $2', [owner.id, consumer])
  await db.connection(async (client) => {
    const copy = client.query(copyFrom('copy public.copied (line) from stdin'))
    process.send!(owner.id)
    await pipeline(process.stdin, copy)
  })
})
await locking.catch((error) => console.log(`failed: ${error}`))
process.send!('ended')
await owner.close()
await listener.close()
await db.close()
process.disconnect()
