import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { doorOf } from '#services/kit/door/where.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type DoorWorld, type Job, startDoorWorld, work } from './jobs.ts'

/** More of them in the long suite. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 3)
const JOBS = 4

describe('the door, whose service is killed at any moment', function () {
  this.timeout(60_000 + ROUNDS * 10_000)
  let world: DoorWorld
  before(async () => {
    world = await startDoorWorld({ doors: 2 })
  })
  after(() => world?.stop())

  it('brings the door up to date when one begins to attend to it, and not whenever another looks whether it is its turn', async () => {
    const door = openDb(doorOf(world.stack.databaseUrl).url, { max: 1 })
    try {
      const written = () => door.query('t.written', `select oid, xmin::text from pg_class where relname in ('videos', 'users')`)
      await world.job()
      const before = await written()
      for (let i = 0; i < 3; i++) await world.job()
      expect(await written()).to.deep.equal(before)
    } finally {
      await door.close()
    }
  })

  it('is attended to by another one when a process that attends is frozen', async () => {
    const doors = () =>
      world.db.query<{ pid: number }>('t.doors', `select pid from log.living_owners where service = 'media-door'`)
    await world.stack.signal('media-door#2', 'SIGKILL')
    // The other one attends now.
    await world.job()
    const second = await eventually(() => world.stack.parts.pids()['media-door#2'] ?? expect.fail('not yet started again'))
    await eventually(async () => expect((await doors()).map(({ pid }) => pid)).to.include(second))
    const frozen = await world.stack.signal('media-door#1', 'SIGSTOP')
    try {
      const job = await world.job()
      expect((await doors()).map(({ pid }) => pid)).to.not.include(frozen)
      const worker = await world.connect()
      await work(worker, world, job)
      await worker.end()
    } finally {
      await world.stack.signal('media-door#1', 'SIGCONT')
    }
  })

  it('makes one event of everything that was written, in order', async () => {
    const jobs: Job[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const some = await Promise.all(Array.from({ length: JOBS }, () => world.job()))
      // At any moment between the first statement and the last event: this waits for nothing.
      const kill = async (part: string) => {
        await sleep(Math.random() * 300)
        await world.stack.signal(part, 'SIGKILL')
      }
      await Promise.all([
        ...['media-door#1', 'media-door#2'].map(kill),
        ...some.map(async (job) => {
          const worker = await world.connect()
          await work(worker, world, job)
          await worker.end()
        }),
      ])
      jobs.push(...some)
    }
    for (const { videoId } of jobs) {
      const types = await eventually(
        async () => {
          const types = (await world.events(videoId)).map(({ type }) => type)
          expect(types).to.include('MediaProcessed')
          return types
        },
        { withinMs: 30_000 },
      )
      expect(types.slice(2)).to.deep.equal([
        'MediaProcessingRequested',
        'MediaProcessingDispatched',
        'MediaProcessingStarted',
        'MediaProgressed',
        'TranscriptStored',
        'MediaProcessed',
      ])
    }
    const worker = await world.connect()
    const theirs = 'select from videos where id = any ($1)'
    const numbers = jobs.map(({ number }) => number)
    await eventually(async () => expect((await worker.query(theirs, [numbers])).rowCount).to.equal(0))
  })
})
