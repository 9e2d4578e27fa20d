import { parentPort, workerData } from 'node:worker_threads'
import { openReader } from '#platform/log/open.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl } from '#platform/pg/where.ts'
import { fullSpeed, openPacer } from '#projections/engine/pacer.ts'
import { foldPart } from '#projections/engine/threads/part.ts'
import { views } from '#projections/index.ts'
import type { ThreadData } from './replay-threads.ts'

// A thread of a replay: see replayThreads.
const { settings, part } = workerData as ThreadData
const url = databaseUrl(settings)
const db = openDb(url, { name: 'vidwiz replay', max: 3 })
const listener = openListener(url, { name: 'vidwiz replay' })
const reader = await openReader(settings, db, listener, 'vidwiz replay')
const pacer = part.isPaced ? await openPacer(db) : fullSpeed
await foldPart(parentPort!, part, views, reader, pacer)
pacer.stop()
await reader.close()
await listener.close()
await db.close()
